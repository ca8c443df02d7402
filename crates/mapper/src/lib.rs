//! The policies: how many pieces, and where each runs. Any answer gives the same result; some are faster.

mod default;
mod random;
mod serial;

pub use default::CostModel;
pub use random::Random;
pub use serial::Serial;

use maniple_runtime::{Mapper, Settings};

/// The mapper that the settings name.
pub fn from_settings(settings: &Settings) -> Box<dyn Mapper> {
    match settings.mapper.strip_prefix("random:").map(|seed| seed.parse().unwrap_or(0)) {
        Some(seed) => Box::new(Random::new(seed, settings.pieces)),
        None if settings.mapper == "serial" => Box::new(Serial),
        None => Box::new(CostModel::new(settings.pieces)),
    }
}
