//! Bytes in a device's memory that other libraries of this process use as well.
//!
//! They may read and write them at any time, and say nothing when they do. So what is there is what counts: before a task or
//! the host looks at such a region everything on the device is waited for, and copies elsewhere are forgotten; after a
//! task the bytes are brought there, and waited for. As with memory that is shared on the host, tasks run at once.

use super::{HOST, Runtime};
use crate::instance::State;
use crate::{DeviceError, Error, Handle, Line, MemoryId, Region, Sharing, Span};
use std::any::Any;
use std::sync::Arc;

impl Runtime {
    /// How a memory is shared with other libraries, if it can be.
    pub fn sharing(&self, memory: MemoryId) -> Option<&dyn Sharing> {
        self.backends.of_memory(memory).sharing()
    }

    /// The memory beside the host's that holds all bytes of a region, if it can be shared and no other memory is; what was
    /// recorded has been issued.
    ///
    /// # Errors
    /// A failure of the tasks flushed.
    pub fn resides(&self, region: &Handle) -> Result<Option<MemoryId>, Error> {
        self.flush()?;
        let state = region.state();
        if region.is_exported() && state.lent().is_none() {
            return Ok(None);
        }
        let found = state.whole_in(region.bytes).map(|(memory, _)| memory);
        Ok(found.filter(|&memory| self.sharing(memory).is_some()))
    }

    /// Begins to share a region's bytes where [`Runtime::resides`] says, and answers at which address; the caller puts others'
    /// commands into an order with those of the memory's stream.
    ///
    /// # Errors
    /// As [`Runtime::resides`], and why the region has no value.
    pub fn lend(&self, region: &Handle) -> Result<Option<(MemoryId, u64)>, Error> {
        if self.resides(region)?.is_none() {
            return Ok(None);
        }
        let mut state = region.state();
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        let found = state.lend(region.bytes);
        if found.is_some() {
            region.export();
        }
        Ok(found)
    }

    /// Ends one [`Runtime::lend`].
    pub fn end_loan(&self, region: &Handle) {
        if let Err(error) = self.meet(region.region()) {
            tracing::error!(%error, "a device failed while its memory was shared");
        }
        let ended = region.state().end_loan();
        region.unexport();
        if ended && region.is_exported() {
            // Who shares it on the host sees what was written.
            let _ = self.bring_home(region.region(), false);
        }
    }

    /// Whether a region's bytes are shared in another memory than the host's.
    pub fn is_lent(&self, region: &Handle) -> bool {
        region.is_exported() && region.state().lent().is_some()
    }

    /// A region whose bytes somebody else owns in a memory that can be shared, and that `keeper` keeps alive.
    pub fn attach_in(
        &self,
        memory: MemoryId,
        address: u64,
        bytes: usize,
        keeper: Box<dyn Any + Send>,
    ) -> Handle {
        let state = State::external(self.backends.clone(), memory, address, bytes, keeper);
        let handle = Region::create(self.next_region(), bytes, state);
        handle.export();
        handle.note_outside();
        handle
    }

    /// Waits for what others do with a region's bytes on a device; what is there is what counts.
    pub(super) fn meet(&self, region: &Arc<Region>) -> Result<(), Error> {
        let Some(memory) = region.state().lent() else { return Ok(()) };
        if let Some(sharing) = self.sharing(memory) {
            sharing.settle(memory).map_err(failed)?;
        }
        region.state().written(memory, Span { low: 0, high: region.bytes });
        Ok(())
    }

    /// Brings what a task did to where it is shared, and waits for it.
    pub(super) fn give(&self, region: &Arc<Region>, writes: bool) -> Result<(), Error> {
        let lent = region.state().lent();
        let Some(memory) = lent else { return self.bring_home(region, writes).map(drop) };
        let events = {
            let mut state = region.state();
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            let whole = Span { low: 0, high: region.bytes };
            state
                .fetch(region, memory, whole)
                .map_err(|full| self.out_of_memory(full, HOST, Line::default()))?;
            state.events()
        };
        events.into_iter().try_for_each(|event| self.wait(event))
    }
}

fn failed(error: DeviceError) -> Error {
    Error::Device { message: error.0, line: Line::default() }
}
