//! Shamir's secret sharing over GF(2^8), as HashiCorp Vault and SOPS use it.
//!
//! A share is the values of the polynomials, one a byte, with the place they were taken at behind them.

use zeroize::Zeroizing;

/// Puts a secret together from shares; none if they do not go together.
pub(crate) fn combine(shares: &[Zeroizing<Vec<u8>>]) -> Option<Vec<u8>> {
    let length = shares.first()?.len();
    if length < 2 || shares.len() < 2 || shares.iter().any(|share| share.len() != length) {
        return None;
    }
    let places: Vec<u8> = shares.iter().map(|share| share[length - 1]).collect();
    let is_unique = (1..places.len()).all(|at| !places[..at].contains(&places[at]));
    if !is_unique || places.contains(&0) {
        return None;
    }
    let secret = (0..length - 1).map(|index| {
        let mut value = 0;
        for (i, share) in shares.iter().enumerate() {
            let mut basis = 1;
            for (j, place) in places.iter().enumerate() {
                if i != j {
                    basis = multiply(basis, multiply(*place, inverse(places[i] ^ place)));
                }
            }
            value ^= multiply(share[index], basis);
        }
        value
    });
    Some(secret.collect())
}

/// Multiplies in the field of AES, without a branch that depends on the values.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        product ^= a & 0u8.wrapping_sub(b & 1);
        let carry = 0u8.wrapping_sub(a >> 7);
        a = (a << 1) ^ (0x1B & carry);
        b >>= 1;
    }
    product
}

/// Inverts: the 254th power.
fn inverse(a: u8) -> u8 {
    let mut result = 1;
    let mut square = a;
    for _ in 0..7 {
        square = multiply(square, square);
        result = multiply(result, square);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        for a in 1..=255 {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn two_shares_of_a_line_give_its_start() {
        // f(x) = 7 + 9x in GF(2^8).
        let share = |x: u8| Zeroizing::new(vec![7 ^ multiply(9, x), x]);
        assert_eq!(combine(&[share(3), share(200)]), Some(vec![7]));
        assert_eq!(combine(&[share(3), share(3)]), None);
        assert_eq!(combine(&[share(3)]), None);
    }
}
