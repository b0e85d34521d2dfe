//! `Ancestry`: the programs above Ensign, parent first. Each program is read only once, when it is first needed.

use std::cell::RefCell;
use std::rc::Rc;

use super::Program;
use crate::system::ancestors;

pub(super) struct Ancestry {
    read: RefCell<Vec<Rc<Program>>>,
    further_up: RefCell<Box<dyn Iterator<Item = Program>>>,
}

impl Ancestry {
    pub(super) fn ours() -> Self {
        Self::new(ancestors::all().map(Program::from))
    }

    fn new(programs: impl Iterator<Item = Program> + 'static) -> Self {
        Self { read: RefCell::default(), further_up: RefCell::new(Box::new(programs)) }
    }

    pub(super) fn programs(&self) -> impl Iterator<Item = Rc<Program>> {
        (0..).map_while(|distance| self.program(distance))
    }

    fn program(&self, distance: usize) -> Option<Rc<Program>> {
        let mut read = self.read.borrow_mut();
        if read.len() == distance {
            read.push(Rc::new(self.further_up.borrow_mut().next()?));
        }
        read.get(distance).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

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
