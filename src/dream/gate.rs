//! Who may use the graphics device: the dream nearly always, the window alone for the moment in which it changes its surface.
//!
//! A surface can only be configured while nothing is being submitted; an engine that dreams on another thread submits all the time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Gate {
    lock: Mutex<()>,
    /// Windows that wait at the gate; the dream lets them go first.
    waiting: AtomicU32,
}

impl Gate {
    /// For the dream: held while a frame is computed.
    pub fn pass(&self) -> MutexGuard<'_, ()> {
        while self.waiting.load(Ordering::Acquire) > 0 {
            std::thread::sleep(Duration::from_micros(200));
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the window: runs `change` while the dream stands still.
    pub fn closed<T>(&self, change: impl FnOnce() -> T) -> T {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        let done = change();
        drop(guard);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    #[test]
    fn a_busy_dream_lets_the_window_in_and_stands_still_meanwhile() {
        let gate = Arc::new(Gate::default());
        let (stop, inside) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let dream = {
            let (gate, stop, inside) = (gate.clone(), stop.clone(), inside.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    let _pass = gate.pass();
                    inside.store(true, Ordering::Release);
                    std::thread::sleep(Duration::from_millis(2));
                    inside.store(false, Ordering::Release);
                }
            })
        };
        for _ in 0..20 {
            let start = Instant::now();
            gate.closed(|| assert!(!inside.load(Ordering::Acquire), "the dream goes on while the gate is closed"));
            assert!(start.elapsed() < Duration::from_secs(2), "the window was kept waiting");
        }
        stop.store(true, Ordering::Release);
        dream.join().unwrap();
    }
}
