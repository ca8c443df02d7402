//! Regions and the handles on them that a user's arrays hold.

use crate::brief::{Brief, Held};
use crate::instance::State;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The identity of some data: a number of bytes that may live in several memories, or nowhere yet.
pub struct Region {
    /// Serial number, in order of creation.
    pub id: u64,
    /// Extent in bytes.
    pub bytes: usize,
    handles: AtomicUsize,
    exports: AtomicUsize,
    /// The address of its bytes if they are memory that somebody else owns.
    foreign: Option<u64>,
    outside: AtomicBool,
    role: AtomicU64,
    state: Brief<State>,
}

impl Region {
    /// A region without bytes, and the first handle on it.
    pub(crate) fn create(id: u64, bytes: usize, state: State) -> Handle {
        Handle(Arc::new(Region {
            id,
            bytes,
            handles: AtomicUsize::new(1),
            exports: AtomicUsize::new(0),
            foreign: state.foreign_address(),
            outside: AtomicBool::new(false),
            role: AtomicU64::new(0),
            state: Brief::new(state),
        }))
    }

    /// Where its bytes are and who uses them.
    pub(crate) fn state(&self) -> Held<'_, State> {
        self.state.lock()
    }

    /// Whether no handle is left: nobody can ask for its value any more.
    pub fn is_dead(&self) -> bool {
        self.handles.load(Ordering::Acquire) == 0
    }

    /// Whether memory of it is shared with somebody outside, who may read and write it at any time.
    pub fn is_exported(&self) -> bool {
        self.exports.load(Ordering::Relaxed) != 0
    }

    /// Whether somebody outside holds an address of its bytes, so that they must stay where they are.
    pub fn is_fixed(&self) -> bool {
        self.foreign.is_some() || self.is_exported()
    }

    /// Whether its bytes are memory that somebody else owns.
    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// How many bytes another region's byte zero lies behind this one's, if both are parts of the same memory of somebody
    /// else's, or one and the same region; nothing if no byte belongs to both.
    pub fn distance(&self, other: &Region) -> Option<i64> {
        if self.id == other.id {
            return Some(0);
        }
        let (own, others) = (self.foreign?, other.foreign?);
        let overlap = own < others + other.bytes as u64 && others < own + self.bytes as u64;
        overlap.then(|| others.wrapping_sub(own) as i64)
    }

    /// What its bytes are from now on is what another's are, and the other way round.
    pub(crate) fn exchange(&self, other: &Region) {
        // Nobody else locks two at a time.
        let (mut own, mut others) = (self.state(), other.state());
        std::mem::swap(&mut *own, &mut *others);
    }

    /// Begins to share the memory with somebody outside.
    pub fn export(&self) {
        self.exports.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends one [`Region::export`].
    pub fn unexport(&self) {
        // Whoever it was may have written until now.
        self.note_outside();
        self.exports.fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes that bytes of it were written by somebody else than a task.
    pub(crate) fn note_outside(&self) {
        self.outside.store(true, Ordering::Relaxed);
    }

    /// Whether bytes of it were written by somebody else than a task since the last call.
    pub(crate) fn take_outside(&self) -> bool {
        self.outside.swap(false, Ordering::Relaxed)
    }

    /// Whether a task of window `window` names it.
    pub(crate) fn is_named_in(&self, window: u32) -> bool {
        (self.role.load(Ordering::Relaxed) >> 32) as u32 == window
    }

    /// The role in window `window`, or the one that `assign` gives it.
    pub(crate) fn role_in(&self, window: u32, assign: impl FnOnce() -> u32) -> u32 {
        let found = self.role.load(Ordering::Relaxed);
        if (found >> 32) as u32 == window {
            return found as u32;
        }
        let role = assign();
        self.role.store(u64::from(window) << 32 | u64::from(role), Ordering::Relaxed);
        role
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "region {} ({} bytes)", self.id, self.bytes)
    }
}

/// A user's handle on a region. When the last one goes, the region's value can no longer be asked for, and a
/// computation that has not run yet need not store it.
pub struct Handle(Arc<Region>);

impl Handle {
    /// The region itself, without the claim on its value.
    pub fn region(&self) -> &Arc<Region> {
        &self.0
    }
}

impl Deref for Handle {
    type Target = Region;
    fn deref(&self) -> &Region {
        &self.0
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        self.0.handles.fetch_add(1, Ordering::Relaxed);
        Handle(self.0.clone())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody can clone what only this one holds.
        if self.0.handles.load(Ordering::Relaxed) == 1 {
            self.0.handles.store(0, Ordering::Release);
        } else {
            self.0.handles.fetch_sub(1, Ordering::Release);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
