//! `Budget`: limits the work for a project, because its files may be hostile.
//!
//! Work is limited in steps and in the thread's own CPU time, so that Ensign's answer is the same on a busy machine.
//! The wall clock limits only the time spent waiting for slow files.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::system::thread_time;

/// A step is one character read or one value made. The largest real projects use one hundredth of this limit.
const STEPS_AT_MOST: u64 = 20_000_000;
const CPU_AT_MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3000 } else { 250 });
/// Limits the wait for the files of a slow network share.
const WALL_AT_MOST: Duration = Duration::from_secs(10);
/// The number of steps between two readings of the clock. The clock is not read at each step, because a reading costs a
/// system call.
const STEPS_BETWEEN_CLOCKS: u64 = 4096;

/// The budget that all readers of one project share.
#[derive(Clone, Debug)]
pub(super) struct Budget(Rc<BudgetUse>);

#[derive(Debug)]
struct BudgetUse {
    steps: Cell<u64>,
    clock_at: Cell<u64>,
    is_over: Cell<bool>,
    cpu_at_start: Duration,
    start: Instant,
}

impl Budget {
    pub(super) fn new() -> Self {
        let (steps, clock_at) = (Cell::new(0), Cell::new(STEPS_BETWEEN_CLOCKS));
        Self(Rc::new(BudgetUse {
            steps,
            clock_at,
            is_over: Cell::new(false),
            cpu_at_start: thread_time(),
            start: Instant::now(),
        }))
    }

    /// Counts `steps`. Returns false once the budget is used up.
    pub(super) fn spend(&self, steps: u64) -> bool {
        let BudgetUse { steps: spent, clock_at, is_over, cpu_at_start, start } = &*self.0;
        spent.set(spent.get().saturating_add(steps));
        if spent.get() >= clock_at.get() {
            clock_at.set(spent.get() + STEPS_BETWEEN_CLOCKS);
            let is_late = thread_time().saturating_sub(*cpu_at_start) > CPU_AT_MOST || start.elapsed() > WALL_AT_MOST;
            is_over.set(is_over.get() || is_late || spent.get() > STEPS_AT_MOST);
        }
        !is_over.get()
    }

    /// Counts the steps for opening a file, and reads the clock.
    pub(super) fn spend_on_file(&self) -> bool {
        self.spend(STEPS_BETWEEN_CLOCKS)
    }

    pub(super) fn is_left(&self) -> bool {
        !self.0.is_over.get()
    }

    #[cfg(test)]
    pub(super) fn used_up() -> Self {
        let budget = Self::new();
        budget.spend(STEPS_AT_MOST + STEPS_BETWEEN_CLOCKS);
        budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_it_and_waiting_does_not() {
        let budget = Budget::new();
        std::thread::sleep(Duration::from_millis(60));
        assert!(budget.spend(STEPS_BETWEEN_CLOCKS), "time without steps does not count");
        let same = budget.clone();
        assert!(!budget.spend(STEPS_AT_MOST));
        assert!(!same.is_left() && !same.spend(1), "a copy shares the spent budget");
    }
}
