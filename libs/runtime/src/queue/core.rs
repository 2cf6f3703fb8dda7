//! The queue without a clock, a lock or a task.
//!
//! An item stands in at most one lane that counts (entries left behind in others are skipped by their ticket), has at
//! most one timer, and collects the causes of its next run in a bit set.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::Priority;
use crate::ObjectKey;

/// An object whose turn has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) key: ObjectKey,
    /// The most urgent cause.
    pub(crate) cause: Priority,
    /// How long it stood in the queue.
    pub(crate) waited: Duration,
}

/// What becomes of an object after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing until something changes; the failures are forgotten.
    Idle,
    /// Again after this time; the failures are forgotten.
    After(Duration, Priority),
    /// Again after the item's back-off, which doubles.
    Backoff,
    /// The object is gone.
    Gone,
}

/// What the workqueue metrics show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Gauges {
    pub(crate) depth: usize,
    pub(crate) adds: u64,
    pub(crate) retries: u64,
    /// Sum over all running items.
    pub(crate) unfinished: Duration,
    pub(crate) longest: Duration,
}

#[derive(Default)]
struct Item {
    /// Where it stands, since when, and the ticket of the entry that counts.
    queued: Option<(Priority, Instant, u64)>,
    running: Option<Instant>,
    /// The most urgent cause that arrived while it ran.
    again: Option<Priority>,
    timer: Option<(Instant, Priority, u64)>,
    failures: u32,
    gone: bool,
}

#[derive(Default)]
struct Lane {
    turns: VecDeque<Arc<str>>,
    waiting: HashMap<Arc<str>, VecDeque<(ObjectKey, u64)>>,
}

pub(crate) struct Core {
    items: HashMap<ObjectKey, Item>,
    lanes: [Lane; Priority::COUNT],
    timers: BinaryHeap<Reverse<(Instant, u64, ObjectKey)>>,
    tickets: u64,
    depth: usize,
    adds: u64,
    retries: u64,
    min_delay: Duration,
    max_delay: Duration,
}

impl Core {
    pub(crate) fn new(min_delay: Duration, max_delay: Duration) -> Self {
        Self {
            items: HashMap::new(),
            lanes: Default::default(),
            timers: BinaryHeap::new(),
            tickets: 0,
            depth: 0,
            adds: 0,
            retries: 0,
            min_delay,
            max_delay,
        }
    }

    /// Puts an object into the queue, or moves it up when the cause is more urgent.
    pub(crate) fn add(&mut self, key: &ObjectKey, why: Priority, now: Instant) {
        self.adds += 1;
        let item = self.items.entry(key.clone()).or_default();
        item.gone = false;
        if item.running.is_some() {
            item.again = Some(item.again.map_or(why, |old| old.min(why)));
            return;
        }
        let since = match item.queued {
            Some((old, _, _)) if old <= why => return,
            Some((_, since, _)) => since,
            None => {
                self.depth += 1;
                now
            }
        };
        self.tickets += 1;
        item.queued = Some((why, since, self.tickets));
        self.lanes[why as usize].push(key, self.tickets);
    }

    /// Takes the most urgent object; within a priority the namespaces take turns.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Taken> {
        self.ring(now);
        for lane in 0..self.lanes.len() {
            while let Some((key, ticket)) = self.lanes[lane].pop() {
                let Some(item) = self.items.get_mut(&key) else {
                    continue;
                };
                let Some((cause, since, current)) = item.queued else {
                    continue;
                };
                if current != ticket {
                    continue;
                }
                item.queued = None;
                item.timer = None;
                item.running = Some(now);
                self.depth -= 1;
                return Some(Taken {
                    key,
                    cause,
                    waited: now.saturating_duration_since(since),
                });
            }
        }
        None
    }

    /// Ends a run.
    pub(crate) fn done(&mut self, key: &ObjectKey, next: Next, now: Instant) {
        let pause = self.backoff(key);
        let Some(item) = self.items.get_mut(key) else {
            return;
        };
        item.running = None;
        let again = item.again.take();
        let timer = match next {
            Next::Idle => None,
            Next::After(after, why) => Some((after, why)),
            Next::Backoff => {
                self.retries += 1;
                Some((pause, Priority::Retry))
            }
            Next::Gone => {
                item.gone = true;
                None
            }
        };
        item.failures = if next == Next::Backoff {
            item.failures.saturating_add(1)
        } else {
            0
        };
        if item.gone && again.is_none() {
            self.items.remove(key);
            return;
        }
        item.timer = timer.and_then(|(after, why)| {
            let due = now.checked_add(after)?;
            self.tickets += 1;
            self.timers.push(Reverse((due, self.tickets, key.clone())));
            Some((due, why, self.tickets))
        });
        if let Some(why) = again {
            self.add(key, why, now);
        }
    }

    /// Drops an object that is gone; one that runs is dropped when it ends.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        let Some(item) = self.items.get_mut(key) else {
            return;
        };
        if item.running.is_some() {
            item.gone = true;
            item.again = None;
            return;
        }
        if item.queued.is_some() {
            self.depth -= 1;
        }
        self.items.remove(key);
    }

    /// Returns when the next timer rings.
    pub(crate) fn next_due(&mut self) -> Option<Instant> {
        while let Some(Reverse((due, ticket, key))) = self.timers.peek() {
            if self
                .items
                .get(key)
                .and_then(|item| item.timer)
                .is_some_and(|(_, _, t)| t == *ticket)
            {
                return Some(*due);
            }
            self.timers.pop();
        }
        None
    }

    /// Returns how long an object that failed now pauses: doubling, as client-go's item limiter.
    pub(crate) fn backoff(&self, key: &ObjectKey) -> Duration {
        let failures = self.items.get(key).map_or(0, |item| item.failures);
        let factor = 2u32.checked_pow(failures).unwrap_or(u32::MAX);
        self.min_delay.saturating_mul(factor).min(self.max_delay)
    }

    pub(crate) fn gauges(&self, now: Instant) -> Gauges {
        let running = self.items.values().filter_map(|item| item.running);
        let ages: Vec<Duration> = running
            .map(|since| now.saturating_duration_since(since))
            .collect();
        Gauges {
            depth: self.depth,
            adds: self.adds,
            retries: self.retries,
            unfinished: ages.iter().sum(),
            longest: ages.into_iter().max().unwrap_or_default(),
        }
    }

    fn ring(&mut self, now: Instant) {
        while let Some(due) = self.next_due() {
            if due > now {
                return;
            }
            let Some(Reverse((_, _, key))) = self.timers.pop() else {
                return;
            };
            if let Some((_, why, _)) = self.items.get_mut(&key).and_then(|item| item.timer.take()) {
                self.add(&key, why, now);
            }
        }
    }
}

impl Lane {
    fn push(&mut self, key: &ObjectKey, ticket: u64) {
        let waiting = self.waiting.entry(key.namespace.clone()).or_default();
        if waiting.is_empty() {
            self.turns.push_back(key.namespace.clone());
        }
        waiting.push_back((key.clone(), ticket));
    }

    fn pop(&mut self) -> Option<(ObjectKey, u64)> {
        let namespace = self.turns.pop_front()?;
        let waiting = self.waiting.get_mut(&namespace)?;
        let first = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&namespace);
        } else {
            self.turns.push_back(namespace);
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn key(text: &str) -> ObjectKey {
        let (namespace, name) = text.split_once('/').unwrap();
        ObjectKey::new(namespace, name)
    }

    fn queue() -> (Core, Instant) {
        (
            Core::new(Duration::from_millis(750), Duration::from_secs(900)),
            Instant::now(),
        )
    }

    fn names(core: &mut Core, now: Instant) -> Vec<String> {
        std::iter::from_fn(|| core.pop(now).map(|taken| taken.key.to_string())).collect()
    }

    #[test]
    fn the_most_urgent_cause_goes_first() {
        let (mut core, now) = queue();
        core.add(&key("n/retry"), Priority::Retry, now);
        core.add(&key("n/interval"), Priority::Interval, now);
        core.add(&key("n/woken"), Priority::Dependency, now);
        core.add(&key("n/revision"), Priority::NewRevision, now);
        core.add(&key("n/asked"), Priority::Request, now);
        assert_eq!(
            names(&mut core, now),
            ["n/asked", "n/revision", "n/woken", "n/interval", "n/retry"]
        );
    }

    #[test]
    fn namespaces_take_turns_within_one_priority() {
        let (mut core, now) = queue();
        for name in ["big/1", "big/2", "big/3", "small/1", "other/1"] {
            core.add(&key(name), Priority::Interval, now);
        }
        assert_eq!(
            names(&mut core, now),
            ["big/1", "small/1", "other/1", "big/2", "big/3"]
        );
    }

    #[test]
    fn a_more_urgent_cause_moves_a_queued_object_up_once() {
        let (mut core, now) = queue();
        core.add(&key("n/a"), Priority::Retry, now);
        core.add(&key("n/b"), Priority::Interval, now);
        core.add(&key("n/a"), Priority::Request, now);
        core.add(&key("n/a"), Priority::Interval, now);
        assert_eq!(core.gauges(now).depth, 2);
        assert_eq!(names(&mut core, now), ["n/a", "n/b"]);
    }

    #[test]
    fn an_object_never_runs_twice_at_once_and_runs_again_for_what_arrived_meanwhile() {
        let (mut core, now) = queue();
        core.add(&key("n/a"), Priority::Interval, now);
        assert!(core.pop(now).is_some());
        core.add(&key("n/a"), Priority::Dependency, now);
        core.add(&key("n/a"), Priority::Request, now);
        assert_eq!(core.pop(now), None);
        core.done(&key("n/a"), Next::Idle, now);
        let taken = core.pop(now).unwrap();
        assert_eq!((taken.key, taken.cause), (key("n/a"), Priority::Request));
    }

    #[test]
    fn failures_pause_twice_as_long_each_time_until_the_limit_and_success_resets() {
        let (mut core, mut now) = queue();
        core.add(&key("n/a"), Priority::Request, now);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            assert!(core.pop(now).is_some());
            core.done(&key("n/a"), Next::Backoff, now);
            let due = core.next_due().unwrap();
            pauses.push((due - now).as_millis());
            now = due;
        }
        assert_eq!(pauses[..4], [750, 1500, 3000, 6000]);
        assert_eq!(pauses[11], 900_000);
        assert!(core.pop(now).is_some());
        core.done(&key("n/a"), Next::After(S, Priority::Interval), now);
        assert_eq!(core.backoff(&key("n/a")), Duration::from_millis(750));
    }

    #[test]
    fn a_timer_rings_once_and_a_run_before_it_cancels_it() {
        let (mut core, now) = queue();
        core.add(&key("n/a"), Priority::Request, now);
        core.pop(now);
        core.done(&key("n/a"), Next::After(10 * S, Priority::Interval), now);
        assert_eq!(core.pop(now + 9 * S), None);
        core.add(&key("n/a"), Priority::Request, now + 9 * S);
        assert!(core.pop(now + 9 * S).is_some());
        core.done(&key("n/a"), Next::Idle, now + 9 * S);
        assert_eq!((core.pop(now + 60 * S), core.next_due()), (None, None));
    }

    #[test]
    fn a_forgotten_object_leaves_nothing_behind() {
        let (mut core, now) = queue();
        core.add(&key("n/queued"), Priority::Request, now);
        core.add(&key("n/running"), Priority::Request, now);
        core.forget(&key("n/queued"));
        assert_eq!(core.pop(now).unwrap().key, key("n/running"));
        core.forget(&key("n/running"));
        core.done(&key("n/running"), Next::After(S, Priority::Interval), now);
        assert_eq!(core.pop(now + 60 * S), None);
        assert!(core.items.is_empty());
    }

    #[test]
    fn an_object_created_again_while_its_last_run_ends_is_looked_at() {
        let (mut core, now) = queue();
        core.add(&key("n/a"), Priority::Request, now);
        core.pop(now);
        core.forget(&key("n/a"));
        core.add(&key("n/a"), Priority::Request, now);
        core.done(&key("n/a"), Next::Gone, now);
        assert!(core.pop(now).is_some());
    }

    #[test]
    fn gauges_show_depth_and_the_age_of_what_runs() {
        let (mut core, now) = queue();
        core.add(&key("n/a"), Priority::Request, now);
        core.add(&key("n/b"), Priority::Request, now);
        core.pop(now);
        let gauges = core.gauges(now + 3 * S);
        assert_eq!((gauges.depth, gauges.adds, gauges.longest), (1, 2, 3 * S));
    }
}
