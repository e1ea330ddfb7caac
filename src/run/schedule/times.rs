//! Limits on the time and the threads of jobs. The time of a job is that of the stages that it takes
//! part in, all tries together; one that says its own limit shares no stage with those beside it.

use super::branches::{Broken, is_only_of};
use super::paths::Path;
use super::{Schedule, Stage};
use crate::exec::Error;
use crate::exec::stage::By;
use crate::ir::{self, JobId};
use crate::plan::NodeId;
use crate::run::failure::Failure;
use std::time::Duration;

impl Schedule<'_, '_> {
    /// Is this end of a stage to be computed yet?
    pub(super) fn is_left(&self, end: NodeId, path: &Path) -> bool {
        let plan = self.execution.plan;
        let is_over =
            |node: &NodeId| self.out_of_time.iter().any(|job| is_only_of(plan, *node, *job));
        !self.done.contains(&end)
            && !self.failed.contains(&end)
            && (self.out_of_time.is_empty() || !path.nodes.iter().any(is_over))
    }

    /// The jobs on a way that say themselves how long they may take, or on how many threads.
    pub(super) fn limited_jobs(&self, path: &Path) -> Vec<JobId> {
        let jobs = &self.execution.pipeline.jobs;
        let is_limited = |job: &JobId| {
            let ir::Job { timeout, resources, .. } = &jobs[job.0 as usize];
            timeout.is_some_and(|timeout| timeout.is_own)
                || resources.is_some_and(|own| own.is_own && own.threads.is_some())
        };
        let nodes = path.nodes.iter().copied().collect();
        self.jobs_at(&nodes).into_iter().filter(is_limited).collect()
    }

    /// How long the stage may take, and of which job that is the limit.
    pub(super) fn limit_of(&self, stage: &Stage) -> Option<(Duration, JobId)> {
        let jobs = self.jobs_at(&stage.active).into_iter();
        let left = jobs.filter(|job| !self.out_of_time.contains(job)).filter_map(|job| {
            let most = self.execution.pipeline.jobs[job.0 as usize].timeout?.most;
            let taken = self.timings.get(&job).copied().unwrap_or(0.0);
            Some((most.saturating_sub(Duration::from_secs_f64(taken)), job))
        });
        left.min()
    }

    /// Runs it on as many threads as all jobs of the stage may have.
    pub(super) fn on_its_threads<T: Send>(
        &mut self,
        stage: &Stage,
        run: impl FnOnce(&mut Self) -> T + Send,
    ) -> Result<T, Failure> {
        let jobs = self.jobs_at(&stage.active).into_iter();
        let most = jobs.filter_map(|job| {
            self.execution.pipeline.jobs[job.0 as usize].resources.and_then(|all| all.threads)
        });
        match most.min().filter(|most| *most < rayon::current_num_threads()) {
            None => Ok(run(self)),
            Some(threads) => Ok(super::super::pool(threads)?.install(|| run(self))),
        }
    }

    /// What stopped did so since the time of the job was up.
    pub(super) fn blame_limit(&mut self, job: JobId, broken: &mut [Broken]) {
        let is_stop =
            |broken: &Broken| matches!(broken.failure, Failure::Stage(Error::Cancelled, _));
        let of = &self.execution.pipeline.jobs[job.0 as usize];
        let Some(timeout) = of.timeout else { return };
        for stopped in broken.iter_mut().filter(|broken| is_stop(broken)) {
            stopped.failure = Failure::Timeout { job: of.name.clone(), span: timeout.span };
            stopped.by = Some(By::Job(job));
            self.out_of_time.insert(job);
        }
    }
}
