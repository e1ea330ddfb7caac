//! Stages that are tried again: after which failures, how often, and after how long a pause.

use super::Schedule;
use crate::exec::Error;
use crate::exec::go_on;
use crate::ir::{JobId, Retry};
use crate::run::events::Event;
use crate::run::failure::Failure;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// So often a pause looks whether the run is stopped.
const LOOKS_EVERY: Duration = Duration::from_millis(10);

impl Schedule<'_, '_> {
    /// How long to wait before these jobs, which failed, are tried again; none if they are not.
    pub(super) fn tried_again(
        &mut self,
        jobs: &BTreeSet<JobId>,
        failure: &Failure,
    ) -> Option<Duration> {
        let Failure::Stage(Error::Connect(error), _) = failure else { return None };
        let pipeline = self.execution.pipeline;
        let retry_of = |job: &JobId| pipeline.jobs[job.0 as usize].retry;
        let retries = jobs.iter().filter_map(|job| Some((*job, retry_of(job)?)));
        let before = |job: &JobId| self.retried.get(job).copied().unwrap_or(0);
        let left: Vec<(JobId, Retry, u32)> = retries
            .map(|(job, retry)| (job, retry, before(&job)))
            .filter(|(_, retry, before)| error.may_pass && before < &retry.times)
            .collect();
        let pause = left.iter().map(|(_, retry, before)| pause(retry, *before)).max()?;
        for (job, retry, before) in left {
            self.retried.insert(job, before + 1);
            (self.watch)(Event::JobRetried {
                job: &pipeline.jobs[job.0 as usize].name,
                tries: before + 2,
                of: retry.times + 1,
                seconds: pause.as_secs_f64(),
                error: &error.message,
            });
        }
        Some(pause)
    }

    /// Waits, unless the run is stopped meanwhile.
    pub(super) fn wait(&self, pause: Duration) -> Result<(), Failure> {
        let until = Instant::now() + pause;
        loop {
            go_on(self.execution.cancelled)?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(LOOKS_EVERY));
        }
    }
}

/// Twice as long each time, of which up to a half is left out by chance, so that runs that failed
/// together do not come back together.
fn pause(retry: &Retry, before: u32) -> Duration {
    let (shortest, longest) = retry.pauses;
    let most = shortest.saturating_mul(1 << before.min(30)).min(longest);
    let chance = RandomState::new().build_hasher().finish() >> 11;
    most.mul_f64(0.5 + 0.5 * chance as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let seconds = Duration::from_secs;
        let retry = Retry { times: 100, pauses: (seconds(2), seconds(60)) };
        for (before, most) in [(0, 2), (1, 4), (4, 32), (5, 60), (99, 60)] {
            let pause = pause(&retry, before);
            assert!(pause >= seconds(most) / 2 && pause <= seconds(most), "{before}: {pause:?}");
        }
    }
}
