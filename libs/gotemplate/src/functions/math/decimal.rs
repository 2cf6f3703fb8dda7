//! Exact decimal numbers, as shopspring/decimal calculates: quotients have 16 digits after the point.

use crate::function::Failure;
use num_bigint::BigInt;
use num_traits::{Signed, Zero};

/// An integer times a power of ten.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    value: BigInt,
    exponent: i32,
}

const DIVISION_DIGITS: i32 = 16;

impl Decimal {
    /// Takes the shortest decimal that reads back as the float.
    pub(super) fn from_float(float: f64) -> Result<Self, Failure> {
        if float.is_nan() || float.is_infinite() {
            return Err(Failure::new(format!(
                "Cannot create a Decimal from {}",
                crate::format::format_float(float, 'g', None)
            )));
        }
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = mantissa.split_once('.').map_or(0, |(_, f)| f.len());
        let exponent: i32 = exponent.parse().unwrap_or(0);
        Ok(Self {
            value: mantissa.replace('.', "").parse().unwrap_or_default(),
            exponent: exponent - i32::try_from(fraction).unwrap_or(0),
        })
    }

    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.value, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }

    fn scaled(&self, exponent: i32) -> BigInt {
        let shift = u32::try_from(self.exponent - exponent).unwrap_or(0);
        &self.value * BigInt::from(10).pow(shift)
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self {
            value: self.scaled(exponent) + other.scaled(exponent),
            exponent,
        }
    }

    pub(super) fn subtract(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self {
            value: self.scaled(exponent) - other.scaled(exponent),
            exponent,
        }
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        Self {
            value: &self.value * &other.value,
            exponent: self.exponent + other.exponent,
        }
    }

    pub(super) fn divide(&self, other: &Self) -> Result<Self, Failure> {
        if other.value.is_zero() {
            return Err("decimal division by 0".into());
        }
        // One digit more than is kept, then half away from zero.
        let shift = self.exponent - other.exponent + DIVISION_DIGITS;
        let (mut dividend, mut divisor) = (self.value.clone(), other.value.clone());
        let power = BigInt::from(10).pow(shift.unsigned_abs());
        if shift >= 0 {
            dividend *= power;
        } else {
            divisor *= power;
        }
        let mut quotient = &dividend / &divisor;
        let rest = &dividend % &divisor;
        if rest.abs() * 2 >= divisor.abs() {
            quotient += if dividend.is_negative() == divisor.is_negative() {
                1
            } else {
                -1
            };
        }
        Ok(Self {
            value: quotient,
            exponent: -DIVISION_DIGITS,
        })
    }
}
