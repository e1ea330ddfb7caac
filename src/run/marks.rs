//! Sources that are read incrementally: how far each output has taken them in, which is noted with the
//! output itself, and what a run reads of them.

use super::made::{Ancestors, Made};
use crate::data::{Batch, display, parse, scalar_at};
use crate::diagnostics::reasons;
use crate::ir::{Column, ErrorPolicy, Incremental, Input, Job, JobId, Pipeline, Source, SourceId};
use crate::types::{DataType, Scalar};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far an output has taken in a source, as it is noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// By this column.
    by: String,
    ty: String,
    /// The greatest value that was read; none as long as there was no row.
    value: Option<String>,
}

/// How far outputs, by their positions, have taken in sources; nothing of a source that is read
/// from its beginning.
pub(super) type Marks = BTreeMap<usize, BTreeMap<SourceId, Scalar>>;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The incremental sources that an output is made of.
fn sources_of(pipeline: &Pipeline, output: usize) -> impl Iterator<Item = (SourceId, &Source)> {
    let all = Ancestors::of(pipeline, [output]).sources.into_iter();
    let all = all.map(|id| (id, &pipeline.sources[id.0 as usize]));
    all.filter(|(_, source)| source.incremental.is_some())
}

fn column_of(source: &Source) -> &Column {
    let incremental = source.incremental.as_ref().expect("it is incremental");
    &source.row.columns[incremental.column]
}

/// How far an output has taken in its sources, as the run that made it noted; the first source of which
/// it may have rows, and nobody knows how far, as an error. `now` is what it would be made from.
pub(super) fn known<'p>(
    pipeline: &'p Pipeline,
    output: usize,
    (before, now): (&Made, &Made),
) -> (BTreeMap<SourceId, Scalar>, Option<&'p Source>) {
    let is_gone = |name: &&String| !now.sources.contains_key(*name);
    let gone_marked = before.marks.keys().any(|name| is_gone(&name));
    let (mut marks, mut unknown) = (BTreeMap::new(), None);
    for (id, source) in sources_of(pipeline, output) {
        let column = column_of(source);
        let is_it = |mark: &&Mark| mark.by == *column.name && mark.ty == column.ty.to_string();
        // One that has another name now is known by how it is declared.
        let declared = &now.sources[&source.name].declared;
        let mut renamed = before.sources.iter().filter(|(name, _)| is_gone(name));
        let mut renamed =
            || renamed.find(|(_, was)| was.declared == *declared).map(|(name, _)| name);
        let name = match before.sources.contains_key(&source.name) {
            true => Some(&source.name),
            false => renamed(),
        };
        match name.and_then(|name| before.marks.get(name)).filter(is_it) {
            Some(Mark { value: Some(value), .. }) => {
                marks.extend(parse::scalar(value, &column.ty).map(|value| (id, value)));
            }
            Some(Mark { value: None, .. }) => {}
            None if name.is_some() || gone_marked => unknown = unknown.or(Some(source)),
            None => {}
        }
    }
    (marks, unknown)
}

/// What is to be said of what these outputs read.
pub(super) fn notes(pipeline: &Pipeline, outputs: &[usize], marks: &Marks) -> Vec<String> {
    let mut read: BTreeMap<(SourceId, Option<String>), Vec<&str>> = BTreeMap::new();
    for &at in outputs {
        for (id, source) in sources_of(pipeline, at) {
            let of = marks.get(&at).and_then(|marks| marks.get(&id));
            let text = of.map(|mark| since(source, mark));
            read.entry((id, text)).or_default().push(&pipeline.outputs[at].name);
        }
    }
    let differ = |id: &SourceId| read.keys().filter(|(of, _)| of == id).count() > 1;
    let note = |((id, text), outputs): (&(SourceId, Option<String>), &Vec<&str>)| {
        let text = text.clone();
        let of_all = || reasons::read_whole(&pipeline.sources[id.0 as usize].name);
        let is_told = text.is_some() || differ(id);
        let text = is_told.then(|| text.unwrap_or_else(of_all))?;
        Some(if differ(id) { reasons::read_for(outputs, &text) } else { text })
    };
    read.iter().filter_map(note).collect()
}

fn since(source: &Source, mark: &Scalar) -> String {
    let incremental = source.incremental.as_ref().expect("it is incremental");
    let column = column_of(source);
    let text = |value: &Scalar| display(value, &column.ty.data);
    let lookback = incremental
        .lookback
        .map(|micros| (text(mark), display(&Scalar::Duration(micros), &DataType::Duration)));
    reasons::read_since(&source.name, &column.name, &text(&after(incremental, mark)), lookback)
}

/// Rows with a greater value than this are read when those up to the mark were.
fn after(incremental: &Incremental, mark: &Scalar) -> Scalar {
    let lookback = incremental.lookback.unwrap_or(0);
    match *mark {
        Scalar::Date(day) => {
            let days = lookback / DAY + i64::from(lookback % DAY > 0);
            Scalar::Date(day.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)))
        }
        Scalar::Datetime(at) => Scalar::Datetime(at.saturating_sub(lookback)),
        Scalar::Timestamp(at) => Scalar::Timestamp(at.saturating_sub(lookback)),
        ref number => number.clone(),
    }
}

/// A pipeline that reads what came since, and how far that goes.
pub(super) struct Marked {
    pub pipeline: Pipeline,
    /// Of sources that are read from several places, the further ones and which they are.
    pub twins: Vec<(SourceId, SourceId)>,
    /// Tables of one value, how far a source was read, for these outputs.
    ends: Vec<End>,
}

struct End {
    outputs: Vec<usize>,
    source: SourceId,
    table: Input,
}

/// Outputs that read sources from the same places.
#[derive(Default)]
struct Group {
    outputs: Vec<usize>,
    from: BTreeMap<SourceId, Option<Scalar>>,
}

/// The pipeline in which these outputs read what they have not taken in; none if they read no source
/// incrementally.
pub(super) fn with_marks(pipeline: &Pipeline, outputs: &[usize], marks: &Marks) -> Option<Marked> {
    let mut groups: Vec<Group> = vec![];
    for &at in outputs {
        let of = |id: SourceId| marks.get(&at).and_then(|marks| marks.get(&id)).cloned();
        let from: BTreeMap<SourceId, Option<Scalar>> =
            sources_of(pipeline, at).map(|(id, _)| (id, of(id))).collect();
        if from.is_empty() {
            continue;
        }
        let fits = |group: &&mut Group| {
            from.iter().all(|(id, from)| group.from.get(id).is_none_or(|other| other == from))
        };
        let group = match groups.iter_mut().find(fits) {
            Some(group) => group,
            None => {
                groups.push(Group::default());
                groups.last_mut().expect("it was added")
            }
        };
        group.outputs.push(at);
        group.from.extend(from);
    }
    if groups.is_empty() {
        return None;
    }
    let mut marked = Marked { pipeline: pipeline.clone(), twins: vec![], ends: vec![] };
    for (number, group) in groups.into_iter().enumerate() {
        marked.read(group, number > 0);
    }
    Some(marked)
}

impl Marked {
    /// Has the outputs of a group read what they have not taken in; by jobs of their own, if others read
    /// from elsewhere.
    fn read(&mut self, group: Group, is_apart: bool) {
        let mut places: BTreeMap<Input, Input> = BTreeMap::new();
        for (&id, mark) in &group.from {
            let mut source = self.pipeline.sources[id.0 as usize].clone();
            if let Some(incremental) = &mut source.incremental {
                incremental.after = mark.as_ref().map(|mark| after(incremental, mark));
            }
            let mut twin = id;
            if is_apart {
                twin = SourceId(self.pipeline.sources.len() as u32);
                self.twins.push((twin, id));
                places.insert(Input::Source(id), Input::Source(twin));
                self.pipeline.sources.push(source);
            } else {
                self.pipeline.sources[id.0 as usize] = source;
            }
            let table = self.end_of(twin);
            self.ends.push(End { outputs: group.outputs.clone(), source: id, table });
        }
        if is_apart {
            self.jobs_apart(&group.outputs, places);
        }
    }

    /// Jobs that do for these outputs what those do that read tables of which there are others.
    fn jobs_apart(&mut self, outputs: &[usize], mut places: BTreeMap<Input, Input>) {
        let names: Vec<&str> = outputs.iter().map(|at| &*self.pipeline.outputs[*at].name).collect();
        let suffix = format!(" for {}", names.join(", "));
        let from = outputs.iter().map(|at| self.pipeline.outputs[*at].from);
        let mut jobs: Vec<JobId> = from.flat_map(|from| self.pipeline.jobs_before(from)).collect();
        jobs.sort_by_key(|job| self.pipeline.order.iter().position(|one| one == job));
        jobs.dedup();
        for id in jobs {
            let job = &self.pipeline.jobs[id.0 as usize];
            if !job.inputs().any(|input| places.contains_key(&input)) {
                continue;
            }
            let mut job = job.clone();
            job.name += &suffix;
            for input in job.inputs_mut() {
                *input = places.get(input).copied().unwrap_or(*input);
            }
            let twin = self.add(job);
            places.insert(Input::Job(id), Input::Job(twin));
            let waits = self.pipeline.jobs.iter_mut().filter(|other| other.after.contains(&id));
            waits.for_each(|other| other.after.push(twin));
        }
        for at in outputs {
            let from = &mut self.pipeline.outputs[*at].from;
            *from = places.get(from).copied().unwrap_or(*from);
        }
    }

    fn add(&mut self, job: Job) -> JobId {
        let id = JobId(self.pipeline.jobs.len() as u32);
        self.pipeline.jobs.push(job);
        self.pipeline.order.push(id);
        id
    }

    /// A job that gives the greatest value of those that are read of a source.
    fn end_of(&mut self, id: SourceId) -> Input {
        let source = &self.pipeline.sources[id.0 as usize];
        let incremental = source.incremental.as_ref().expect("it is incremental");
        let (steps, span) = (vec![incremental.greatest(&source.row)], source.span);
        let mut job = Job::hidden(&source.name, Input::Source(id), &source.row, steps, span);
        // A row that cannot be read goes where the jobs say that read it.
        job.on_error.policy = ErrorPolicy::Drop;
        Input::Job(self.add(job))
    }

    /// The tables that say how far sources were read.
    pub(super) fn tables(&self) -> impl Iterator<Item = Input> + '_ {
        self.ends.iter().map(|end| end.table)
    }

    /// How far each output has come with what was read, from these tables.
    pub(super) fn reached(
        &self,
        tables: &[Vec<Batch>],
        marks: &Marks,
    ) -> BTreeMap<usize, BTreeMap<String, Mark>> {
        let mut reached: BTreeMap<usize, BTreeMap<String, Mark>> = BTreeMap::new();
        for (end, batches) in self.ends.iter().zip(tables) {
            let source = &self.pipeline.sources[end.source.0 as usize];
            let column = column_of(source);
            let first = batches.iter().find(|batch| batch.rows > 0);
            let read = first.map(|batch| scalar_at(&batch.columns[0], &column.ty.data, 0));
            for &at in &end.outputs {
                let before = marks.get(&at).and_then(|marks| marks.get(&end.source));
                // What is read again of a lookback may not go as far.
                let read = read.as_ref().filter(|read| !read.is_null());
                let value = match (before, read) {
                    (Some(before), Some(read)) if is_greater(before, read) => Some(before),
                    (before, read) => read.or(before),
                };
                let mark = Mark {
                    by: column.name.to_string(),
                    ty: column.ty.to_string(),
                    value: value.map(|value| display(value, &column.ty.data)),
                };
                reached.entry(at).or_default().insert(source.name.clone(), mark);
            }
        }
        reached
    }
}

fn is_greater(a: &Scalar, b: &Scalar) -> bool {
    match (a, b) {
        (Scalar::Int(a), Scalar::Int(b)) => a > b,
        (Scalar::Decimal(a), Scalar::Decimal(b)) => a > b,
        (Scalar::Date(a), Scalar::Date(b)) => a > b,
        (Scalar::Datetime(a), Scalar::Datetime(b)) => a > b,
        (Scalar::Timestamp(a), Scalar::Timestamp(b)) => a > b,
        _ => false,
    }
}
