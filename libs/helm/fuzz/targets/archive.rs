//! Any bytes as a chart's archive: they load or are refused, within the limits, and a chart that loads can be checked.

#![no_main]

use fjord_helm::{Chart, Limits, Notices, dependencies};
use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| {
        let mut notices = Notices::default();
        let Ok(mut chart) = Chart::from_archive(data, &Limits::default(), &mut notices) else {
            return;
        };
        for file in chart.files.iter().chain(&chart.templates) {
            assert!(!file.name.starts_with('/') && !file.name.split('/').any(|part| part == ".."));
        }
        let _ = chart.custom_resource_definitions();
        let _ = dependencies::check(&chart);
        let _ = dependencies::process(&mut chart, &fjord_helm::values::Map::new(), &mut notices);
    }
);
