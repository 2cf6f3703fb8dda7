//! Which events this process has said, so that saying one again raises its count. Pure.
//!
//! An event counts as said only once the status of its step is written: until then a repeat is the same occurrence.

use std::collections::{HashMap, VecDeque};

/// Events remembered; the oldest are forgotten first (client-go's correlator keeps 4096 too).
const LIMIT: usize = 4096;

#[derive(Default)]
pub(super) struct Memory {
    counts: HashMap<String, i32>,
    order: VecDeque<String>,
}

impl Memory {
    /// Returns how often the event was said by finished steps.
    pub(super) fn count(&self, name: &str) -> Option<i32> {
        self.counts.get(name).copied()
    }

    /// Remembers that a finished step said the event for the `count`th time.
    pub(super) fn settle(&mut self, name: String, count: i32) {
        if self.counts.insert(name.clone(), count).is_some() {
            return;
        }
        self.order.push_back(name);
        if self.order.len() > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest() {
        let mut memory = Memory::default();
        for n in 0..=LIMIT {
            memory.settle(n.to_string(), 1);
        }
        assert_eq!((memory.count("0"), memory.count("1")), (None, Some(1)));
        assert_eq!((memory.counts.len(), memory.order.len()), (LIMIT, LIMIT));
    }

    #[test]
    fn a_repeat_keeps_one_place_and_the_highest_count() {
        let mut memory = Memory::default();
        memory.settle("a".into(), 1);
        memory.settle("a".into(), 2);
        assert_eq!((memory.count("a"), memory.order.len()), (Some(2), 1));
    }
}
