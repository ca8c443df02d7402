//! What is computed at once by who asks for it, because recording it would take longer.

use super::{HOST, Inner, Runtime};
use crate::{During, Handle, Line, Privilege, events};
use maniple_ops::flags;
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

/// A window has fused if so many tasks became one launch: a launch costs about as much as computing four small operations at
/// hand instead of recording them.
const FUSED: usize = 4;
/// So many small operations are computed at hand before it is seen again whether they fuse.
const NOT_FUSING: usize = 1024;

/// Whose floating point events somebody wants to hear about, as a task would have it.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The events, as a task's `watch`.
    pub watch: u8,
    /// What they are said to have happened in.
    pub during: During,
    /// Finds the place in the user's program.
    pub line: fn() -> Line,
}

impl Runtime {
    /// Has `compute` do now what a task on some regions would do later, with the host addresses of their bytes, if no task
    /// that was recorded before uses any of them and all bytes are in the host's memory and idle. Answers whether it did:
    /// `compute` may refuse as well.
    ///
    /// Nothing else is recorded or issued meanwhile. With a backend preferred to the host's processors, and where what
    /// happens is recorded or shown, all is left to tasks.
    pub fn run_at_hand(
        &self,
        operands: &[(&Handle, Privilege)],
        heard: Heard,
        compute: impl FnOnce(&[u64]) -> bool,
    ) -> bool {
        if !self.computes_at_hand() {
            return false;
        }
        let inner = &mut *self.lock();
        let serial = inner.window.serial;
        let mut addresses: SmallVec<[u64; 4]> = SmallVec::new();
        for &(region, privilege) in operands {
            // Another region may be of the same memory, where somebody else owns it.
            if region.is_named_in(serial) || region.is_foreign() && !self.is_still(inner) {
                return false;
            }
            let mut state = region.state();
            let usable = state.failed.is_none()
                && state.is_at_home()
                && state.is_idle()
                && (privilege.writes() || state.has_bytes());
            let Some(address) = usable.then(|| state.address(HOST, region.bytes).ok()).flatten() else {
                return false;
            };
            addresses.push(address);
        }
        if heard.watch != 0 {
            flags::clear();
        }
        if !compute(&addresses) {
            return false;
        }
        if heard.watch != 0
            && events::hear(heard.watch, heard.during, heard.line, flags::read(), &mut inner.warnings)
        {
            self.eventful.store(true, Ordering::Release);
        }
        inner.statistics.at_hand += 1;
        // A count that two threads lower at once is none that has to be exact.
        let left = self.at_hand_left.load(Ordering::Relaxed);
        self.at_hand_left.store(left.saturating_sub(1), Ordering::Relaxed);
        true
    }

    /// Whether nothing is recorded and nothing runs.
    fn is_still(&self, inner: &mut Inner) -> bool {
        self.forget_completed(inner);
        inner.window.is_empty() && inner.outstanding.is_empty()
    }

    /// Whether [`Runtime::run_at_hand`] is worth a try. A window that became few launches for its tasks was worth recording,
    /// and so is what comes next; after one that did not fuse, as when every value is asked for at once, [`NOT_FUSING`] small
    /// operations are computed at hand.
    pub fn computes_at_hand(&self) -> bool {
        self.at_hand_left.load(Ordering::Relaxed) > 0 && self.preferred.load(Ordering::Relaxed) == 0
    }

    /// Learns from a window how the next small operations are computed best.
    pub(super) fn learn_from(&self, tasks: usize, launches: usize) {
        let settings = &self.settings;
        let allowed =
            settings.small > 0 && self.recorder.is_none() && settings.debug == 0 && settings.trace.is_none();
        if allowed && FUSED * launches > tasks {
            self.at_hand_left.store(NOT_FUSING, Ordering::Relaxed);
        }
    }
}
