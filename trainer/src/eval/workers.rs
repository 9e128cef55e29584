//! Threads that each own an engine and share out the clips and rollouts of a family.

use std::cmp::Reverse;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::pack::Pack;

use crate::probe::Probe;

/// What one thread works with.
pub struct Worker {
    pub engine: CpuEngine,
    pub probe: Option<Probe>,
}

pub struct Workers(Vec<Worker>);

impl Workers {
    /// One for every core: an engine of one thread each does more than one engine of many.
    pub fn new(pack: &Pack, probe: Option<&Probe>) -> Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let worker = |_| {
            let engine = CpuEngine::new(pack, CpuOptions { threads: Some(1), ..CpuOptions::default() })?;
            anyhow::Ok(Worker { engine, probe: probe.cloned() })
        };
        Ok(Self((0..count).map(worker).collect::<Result<_>>()?))
    }

    /// What `job` makes of each of `inputs`, in their order.
    pub fn map<I: Sync, T: Send>(&mut self, inputs: &[I], job: impl Fn(&mut Worker, &I) -> Result<T> + Sync) -> Result<Vec<T>> {
        self.map_longest_first(inputs, |_| 0, job)
    }

    /// Likewise, where some jobs take longer than others: those are begun first, or one would run on alone in the end.
    pub fn map_longest_first<I: Sync, T: Send>(
        &mut self,
        inputs: &[I],
        length: impl Fn(&I) -> usize,
        job: impl Fn(&mut Worker, &I) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|at| Reverse(length(&inputs[*at])));
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| -> Result<()> {
            let threads: Vec<_> = self
                .0
                .iter_mut()
                .enumerate()
                .map(|(i, worker)| {
                    let work = || -> Result<()> {
                        while let Some(&at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                            let result = job(worker, &inputs[at])?;
                            done.lock().map_err(|_| anyhow::anyhow!("another thread of the evaluation failed"))?.push((at, result));
                        }
                        Ok(())
                    };
                    std::thread::Builder::new().name(format!("eval {i}")).spawn_scoped(scope, work)
                })
                .collect::<Result<_, _>>()?;
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread of the evaluation panicked"))?)
        })?;
        let mut done = done.into_inner().ok().context("a thread of the evaluation failed")?;
        done.sort_by_key(|(at, _)| *at);
        Ok(done.into_iter().map(|(_, result)| result).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::random::{random_pack, tiny_manifest};

    #[test]
    fn long_jobs_begin_first_and_results_keep_their_order() {
        let mut workers = Workers::new(&random_pack(tiny_manifest(), 1).unwrap(), None).unwrap();
        workers.0.truncate(1);
        let begun = Mutex::new(Vec::new());
        let job = |_: &mut Worker, length: &usize| {
            begun.lock().unwrap().push(*length);
            Ok(10 * length)
        };
        assert_eq!(workers.map_longest_first(&[2, 5, 1, 5], |length| *length, job).unwrap(), [20, 50, 10, 50]);
        assert_eq!(begun.into_inner().unwrap(), [5, 5, 2, 1]);
    }
}
