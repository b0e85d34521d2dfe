//! `Budget`: how much work a project may make, for its files may be anybody's.
//!
//! The bounds are the same on a busy machine as on an idle one, since what was given up decides nothing: steps and the
//! thread's own CPU time. The wall clock only ends what hangs.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::system::thread_time;

/// A step is a character read or a value made. The largest projects that people wrote take a hundredth.
const STEPS_AT_MOST: u64 = 20_000_000;
const CPU_AT_MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3000 } else { 250 });
/// A share that does not answer would hold the client up for ever.
const WALL_AT_MOST: Duration = Duration::from_secs(10);
/// Clocks cost a system call each.
const STEPS_BETWEEN_CLOCKS: u64 = 4096;

/// Shared by all that read one project.
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

    /// Counts `steps` more; false once the budget is used up, from then on.
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

    /// Counts what opening a file costs, on the clock too.
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
        assert!(budget.spend(STEPS_BETWEEN_CLOCKS), "a clock that went on without us does not count");
        let same = budget.clone();
        assert!(!budget.spend(STEPS_AT_MOST));
        assert!(!same.is_left() && !same.spend(1), "what is used up stays so");
    }
}
