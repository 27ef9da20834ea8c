//! What waits for the guest.

use std::collections::VecDeque;

use crate::engine::effects::GuestTask;

/// The tasks that the guest is told in its next visits, in order.
///
/// It is bounded by its driver, which reads nothing of the page while [`is_full`](Self::is_full). What the guest itself leaves to be done
/// comes on top: each of these ends or gives back something that was limited when it began.
#[derive(Default)]
pub(crate) struct Mailbox {
    tasks: VecDeque<GuestTask>,
    /// The bytes of them and of what they carry.
    bytes: usize,
}

impl Mailbox {
    pub(crate) fn push(&mut self, task: GuestTask) {
        self.bytes += size(&task);
        self.tasks.push_back(task);
    }

    /// Puts tasks back that the guest was not told in its visit.
    pub(crate) fn put_back(&mut self, tasks: VecDeque<GuestTask>) {
        for task in tasks.into_iter().rev() {
            self.bytes += size(&task);
            self.tasks.push_front(task);
        }
    }

    /// Takes up to `count` tasks for a visit.
    pub(crate) fn take(&mut self, count: usize) -> VecDeque<GuestTask> {
        let rest = self.tasks.split_off(count.min(self.tasks.len()));
        let taken = std::mem::replace(&mut self.tasks, rest);
        self.bytes -= taken.iter().map(size).sum::<usize>();
        taken
    }

    /// Whether the first task begins a call of the page.
    pub(crate) fn begins_call(&self) -> bool {
        matches!(self.tasks.front(), Some(GuestTask::BeginCall { .. }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(crate) fn is_full(&self, tasks: usize, bytes: usize) -> bool {
        self.tasks.len() >= tasks || self.bytes >= bytes
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Returns the size of a task with what it carries, in bytes. A page can have many made by few bytes of its own.
fn size(task: &GuestTask) -> usize {
    let carried = match task {
        GuestTask::BeginCall { method, args, .. } => method.len() + args.size(),
        GuestTask::EndPageCall { outcome, .. } => outcome.as_ref().map_or(0, |message| message.size()),
        GuestTask::EndPageRead { outcome, .. } => outcome.as_ref().map_or(0, Vec::len),
        _ => 0,
    };
    size_of::<GuestTask>() + carried
}
