//! `Ancestry`: the programs above Ensign, parent first. Each program is read only once, when it is first needed.

use std::array;
use std::cell::{OnceCell, RefCell};

use super::{PROGRAMS_AT_MOST, Program};
use crate::system::ancestors;

pub(super) struct Ancestry {
    /// A cell for each program. The cell is empty until the program is needed.
    read: [OnceCell<Option<Program>>; PROGRAMS_AT_MOST],
    further_up: RefCell<Box<dyn Iterator<Item = Program>>>,
}

impl Ancestry {
    pub(super) fn ours() -> Self {
        Self::new(ancestors::all().map(Program::from))
    }

    fn new(programs: impl Iterator<Item = Program> + 'static) -> Self {
        Self { read: array::from_fn(|_| OnceCell::new()), further_up: RefCell::new(Box::new(programs)) }
    }

    pub(super) fn programs(&self) -> impl Iterator<Item = &Program> {
        self.read.iter().map_while(|cell| cell.get_or_init(|| self.further_up.borrow_mut().next()).as_ref())
    }

    /// Returns the programs that were needed so far.
    pub(super) fn programs_read(&self) -> impl Iterator<Item = &Program> {
        self.read.iter().map_while(|cell| cell.get()?.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn each_program_is_read_once_and_only_when_it_is_needed() {
        let count = Rc::new(Cell::new(0));
        let counted = count.clone();
        let programs = ["docker", "make", "bash"].into_iter().map(move |name| {
            counted.set(counted.get() + 1);
            Program::new(None, vec![name.to_owned()])
        });
        let ancestry = Ancestry::new(programs);
        let names = |most: usize| {
            ancestry.programs().take(most).map(|program| program.name.clone()).collect::<Vec<_>>().join(" ")
        };
        for (most, expected, read) in
            [(1, "docker", 1), (1, "docker", 1), (2, "docker make", 2), (9, "docker make bash", 3)]
        {
            assert_eq!((names(most).as_str(), count.get()), (expected, read));
        }
        assert_eq!(names(9), "docker make bash");
    }
}
