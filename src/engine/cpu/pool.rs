//! A small fixed pool of named threads that run one job together and meet at barriers inside it. Waiting threads spin briefly, then sleep.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::JoinHandle,
};

/// Rounds of spinning before a waiting thread sleeps: some tens of microseconds, longer than the slowest stage is uneven.
const SPINS: u32 = 4000;

/// A count that goes up and can be waited for.
#[derive(Default)]
struct Gate {
    count: AtomicUsize,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Gate {
    fn raise(&self) {
        self.count.fetch_add(1, SeqCst);
        // A sleeper counts itself before it looks at `count` a last time: either it sees the new count or we see the sleeper.
        if self.sleepers.load(SeqCst) > 0 {
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.bell.notify_all();
        }
    }

    /// Returns once the count is no longer `seen`.
    fn wait(&self, seen: usize) {
        for _ in 0..SPINS {
            if self.count.load(SeqCst) != seen {
                return;
            }
            std::hint::spin_loop();
        }
        self.sleepers.fetch_add(1, SeqCst);
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.count.load(SeqCst) == seen {
            guard = self.bell.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        drop(guard);
        self.sleepers.fetch_sub(1, SeqCst);
    }
}

/// Where all threads of a job meet.
pub struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    gate: Gate,
    /// A thread of the job panicked: nobody may wait for it.
    broken: AtomicBool,
}

impl Barrier {
    /// Returns when every thread of the job has called it. What they wrote before is visible after.
    ///
    /// # Panics
    /// Where another thread of the job panicked.
    pub fn wait(&self) {
        if self.threads > 1 {
            let seen = self.gate.count.load(SeqCst);
            // Looked at after `seen`: a later break-up changes the count, an earlier one shows here.
            self.assert_whole();
            if self.arrived.fetch_add(1, SeqCst) + 1 == self.threads {
                self.arrived.store(0, SeqCst);
                self.gate.raise();
            } else {
                self.gate.wait(seen);
            }
        }
        self.assert_whole();
    }

    fn assert_whole(&self) {
        assert!(!self.broken.load(SeqCst), "another thread of this job panicked");
    }

    fn break_up(&self) {
        self.broken.store(true, SeqCst);
        self.gate.raise();
    }
}

type Job = *const (dyn Fn(usize, &Barrier) + Sync);

struct Common {
    start: Gate,
    job: Mutex<Option<SendJob>>,
    barrier: Barrier,
    stop: AtomicBool,
}

#[derive(Clone, Copy)]
struct SendJob(Job);

// SAFETY: the job is Sync, and `run` outlives every use of the pointer.
unsafe impl Send for SendJob {}

/// The threads. The one that calls [`Pool::run`] is number 0.
pub struct Pool {
    common: Arc<Common>,
    workers: Vec<JoinHandle<()>>,
}

impl Pool {
    /// A pool of `threads` threads, the caller included; fewer where the system gives no more.
    pub fn new(threads: usize) -> Self {
        let mut threads = threads.max(1);
        loop {
            let barrier = Barrier { threads, arrived: AtomicUsize::new(0), gate: Gate::default(), broken: AtomicBool::new(false) };
            let common = Arc::new(Common { start: Gate::default(), job: Mutex::new(None), barrier, stop: AtomicBool::new(false) });
            let mut pool = Self { common, workers: Vec::new() };
            for t in 1..threads {
                let common = Arc::clone(&pool.common);
                let spawned = std::thread::Builder::new().name(format!("somnium-cpu-{t}")).spawn(move || work(t, &common));
                match spawned {
                    Ok(worker) => pool.workers.push(worker),
                    Err(e) => log::warn!("thread {t} of the CPU engine could not be started: {e}"),
                }
            }
            if pool.workers.len() + 1 == threads {
                return pool;
            }
            // The barrier counts on every thread, so a smaller pool starts over.
            threads = pool.workers.len() + 1;
        }
    }

    pub fn threads(&self) -> usize {
        self.common.barrier.threads
    }

    /// Runs `job(t, barrier)` on every thread `t` and returns when all are done.
    pub fn run(&mut self, job: &(dyn Fn(usize, &Barrier) + Sync)) {
        let common = &self.common;
        let job_ptr: *const (dyn Fn(usize, &Barrier) + Sync + '_) = job;
        // SAFETY: only the lifetime changes; workers use the pointer between `start.raise` and the closing barrier, which this call awaits.
        let erased = unsafe { std::mem::transmute::<*const (dyn Fn(usize, &Barrier) + Sync + '_), Job>(job_ptr) };
        *common.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(SendJob(erased));
        common.start.raise();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            job(0, &common.barrier);
            common.barrier.wait();
        }));
        if let Err(panic) = outcome {
            // The job must not be in use any more when this call unwinds.
            common.barrier.break_up();
            self.shut_down();
            resume_unwind(panic);
        }
    }

    fn shut_down(&mut self) {
        self.common.stop.store(true, SeqCst);
        self.common.start.raise();
        for worker in self.workers.drain(..) {
            // A worker's own panic was reported by its hook.
            let _ = worker.join();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shut_down();
    }
}

fn work(t: usize, common: &Common) {
    let mut seen = 0;
    loop {
        common.start.wait(seen);
        seen += 1;
        if common.stop.load(SeqCst) {
            return;
        }
        let job = *common.job.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(SendJob(job)) = job else { return };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: `run` keeps the job alive until every thread has passed the closing barrier, or has ended.
            unsafe { (*job)(t, &common.barrier) };
            common.barrier.wait();
        }));
        if outcome.is_err() {
            common.barrier.break_up();
            return;
        }
    }
}

/// Processor cores, hyper-threads not counted twice, and no more than this program may use.
pub fn physical_cores() -> usize {
    let logical = std::thread::available_parallelism().map_or(1, usize::from);
    num_cpus::get_physical().min(logical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn threads_meet_at_every_barrier() {
        for threads in [1, 2, 5] {
            let mut pool = Pool::new(threads);
            let sums: Vec<AtomicU64> = (0..200).map(|_| AtomicU64::new(0)).collect();
            for _ in 0..20 {
                sums.iter().for_each(|s| s.store(0, SeqCst));
                pool.run(&|t, barrier| {
                    for s in &sums {
                        s.fetch_add(t as u64 + 1, SeqCst);
                        barrier.wait();
                        assert_eq!(s.load(SeqCst), (threads * (threads + 1) / 2) as u64);
                    }
                });
            }
        }
    }

    #[test]
    fn threads_that_fell_asleep_are_woken() {
        let mut pool = Pool::new(3);
        for t_slow in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            // A bit for each thread.
            let awake = AtomicUsize::new(0);
            pool.run(&|t, barrier| {
                if t == t_slow {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                awake.fetch_or(1 << t, SeqCst);
                barrier.wait();
                assert_eq!(awake.load(SeqCst), 0b111);
            });
            assert_eq!(awake.load(SeqCst), 0b111);
        }
    }

    #[test]
    fn a_panic_in_any_thread_reaches_the_caller() {
        for t_bad in 0..3 {
            let mut pool = Pool::new(3);
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                pool.run(&|t, barrier| {
                    barrier.wait();
                    assert!(t != t_bad, "on purpose");
                    barrier.wait();
                });
            }));
            assert!(outcome.is_err());
        }
    }
}
