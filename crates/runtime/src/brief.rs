//! A lock for what is held for some nanoseconds, as most calls take several of.

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::yield_now;

/// Looks at a lock that somebody holds before the processor is left to others.
const LOOKS: u32 = 100;

/// A value that one thread at a time uses, and that hardly two ever want at a time. To give back a `Mutex` is as expensive as
/// to take it, since others may have to be woken up; this one's is a store. Whoever waits spins, then yields.
#[derive(Default)]
pub struct Brief<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: only the thread that holds the lock uses the value.
unsafe impl<T: Send> Sync for Brief<T> {}

impl<T> Brief<T> {
    /// A lock on a value.
    pub fn new(value: T) -> Brief<T> {
        Brief { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Waits until nobody else holds the value.
    #[inline]
    pub fn lock(&self) -> Held<'_, T> {
        if self.held.swap(true, Ordering::Acquire) {
            self.wait();
        }
        Held(self)
    }

    #[cold]
    fn wait(&self) {
        let mut looks = 0;
        while self.held.load(Ordering::Relaxed) || self.held.swap(true, Ordering::Acquire) {
            looks += 1;
            if looks % LOOKS == 0 { yield_now() } else { spin_loop() }
        }
    }
}

/// A value that the calling thread holds.
pub struct Held<'a, T>(&'a Brief<T>);

// SAFETY: as a reference that only one thread has.
unsafe impl<T: Sync> Sync for Held<'_, T> {}

impl<T> Deref for Held<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: nobody else holds the value.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: nobody else holds the value.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.held.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_at_a_time_holds_it() {
        let count = Brief::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let mut held = count.lock();
                        let seen = *held;
                        spin_loop();
                        *held = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*count.lock(), 80_000);
    }
}
