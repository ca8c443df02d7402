//! The plan cache: a window whose words were seen before is not analysed again.

use crate::{Launch, Mapping, Role};
use rustc_hash::FxHasher;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// A launch with its mapping.
#[derive(Debug)]
pub struct Planned {
    /// What runs.
    pub launch: Arc<Launch>,
    /// Where it runs.
    pub mapping: Mapping,
    /// Roles that nobody needs once this launch has been issued.
    pub releases: Vec<Role>,
}

/// What a window became: launches in an order that keeps every dependence, over the window's roles.
#[derive(Debug, Default)]
pub struct Plan {
    /// The launches.
    pub launches: Vec<Planned>,
    /// Extents of regions that the launches use besides the window's; their roles follow the window's.
    pub spares: Vec<usize>,
}

impl Plan {
    /// Joins launches with their mappings, and finds where each region that is dead after the window is used last.
    pub fn new(launches: Vec<(Launch, Mapping)>, dead: &[bool], spares: Vec<usize>) -> Plan {
        let mut last_use: Vec<Option<usize>> = vec![None; dead.len() + spares.len()];
        for (at, (launch, _)) in launches.iter().enumerate() {
            launch.args.iter().for_each(|arg| last_use[arg.role as usize] = Some(at));
        }
        let planned = launches.into_iter().enumerate().map(|(at, (launch, mapping))| Planned {
            releases: (0..dead.len())
                .filter(|&role| dead[role] && last_use[role] == Some(at))
                .map(|role| role as Role)
                .collect(),
            launch: Arc::new(launch),
            mapping,
        });
        Plan { launches: planned.collect(), spares }
    }
}

/// The words of a window with its plan.
type Known = (Box<[u64]>, Arc<Plan>);

/// Windows share a plan exactly if all their words are equal; the hash only finds the candidates.
#[derive(Default)]
pub struct Plans {
    known: HashMap<u64, Vec<Known>, BuildHasherDefault<FxHasher>>,
    words: usize,
    /// How many windows had been planned before.
    pub hits: u64,
    /// How many had not.
    pub misses: u64,
}

/// The cache forgets everything when its keys take more than this many words.
const MOST_WORDS: usize = 4 << 20;

impl Plans {
    /// The plan of a window with these words, or the one that `make` gives.
    pub fn get(&mut self, words: &[u64], make: impl FnOnce() -> Plan) -> Arc<Plan> {
        let mut hasher = FxHasher::default();
        words.iter().for_each(|&word| hasher.write_u64(word));
        let hash = hasher.finish();
        if let Some((_, plan)) =
            self.known.get(&hash).and_then(|candidates| candidates.iter().find(|(key, _)| **key == *words))
        {
            self.hits += 1;
            return plan.clone();
        }
        self.misses += 1;
        let plan = Arc::new(make());
        if self.words > MOST_WORDS {
            self.known.clear();
            self.words = 0;
        }
        self.words += words.len();
        self.known.entry(hash).or_default().push((words.into(), plan.clone()));
        plan
    }
}
