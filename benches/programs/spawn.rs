//! Compares the run times of short programs: `docker push IMAGE <SPECIFICATION`.
//!
//! The program is compiled under the name `docker`, because it takes Docker's place: the measured programs find its
//! arguments on their parent's command line. The variable `ROUNDS` says how often each program runs, and `BENCH_HOME`
//! is the path of a link, which leads to the home of the program that runs.
//! Each line of stdin describes one program, with fields separated by tabs: label, expected text in its stdout, home,
//! server address (or `-` for none), path. The first three programs are the references of the three ratios.
//!
//! Each round runs every program once, in a new random order. Ratios compare times of the same round only, because
//! other work of the machine then slows both programs alike. A time includes the start and the end of the process.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

struct Program {
    label: String,
    expected: String,
    home: String,
    server: Option<String>,
    path: String,
    /// Microseconds, one for each round.
    times: Vec<f64>,
}

const REFERENCES: usize = 3;
const WARM_UP: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds: usize = std::env::var("ROUNDS")?.parse()?;
    let mut programs = io::stdin().lines().map(|line| Program::parse(&line?)).collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<usize> = (0..programs.len()).collect();
    let mut seed = 42;
    for round in 0..rounds + WARM_UP {
        shuffle(&mut order, &mut seed);
        for &at in &order {
            let time = programs[at].run()?;
            if round >= WARM_UP {
                programs[at].times.push(time);
            }
        }
    }
    print!("{}", table(&programs));
    Ok(())
}

impl Program {
    fn parse(line: &str) -> Result<Self, Box<dyn Error>> {
        let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let [label, expected, home, server, path] = fields.try_into().map_err(|_| format!("not five fields: {line}"))?;
        Ok(Self { label, expected, home, server: Some(server).filter(|it| it != "-"), path, times: Vec::new() })
    }

    /// Points the link `BENCH_HOME` at this program's home. Changing the variable `HOME` would not work, because Ensign
    /// ignores variables that changed after its caller started.
    fn move_in(&self) -> Result<(), Box<dyn Error>> {
        if self.home == "-" {
            return Ok(());
        }
        let link = PathBuf::from(std::env::var_os("BENCH_HOME").ok_or("BENCH_HOME is not set")?);
        let next = link.with_extension("next");
        symlink(&self.home, &next)?;
        Ok(fs::rename(next, link)?)
    }

    /// Runs the program once and returns the microseconds that it took. The program's stdin is written and closed
    /// before the program starts.
    fn run(&self) -> Result<f64, Box<dyn Error>> {
        self.move_in()?;
        let mut command = Command::new(&self.path);
        let (stdin, mut question) = io::pipe()?;
        if let Some(server) = &self.server {
            command.arg("get");
            question.write_all(server.as_bytes())?;
        }
        drop(question);
        let (mut answer, stdout) = io::pipe()?;
        command.stdin(stdin).stdout(stdout).stderr(Stdio::null());
        let start = Instant::now();
        command.spawn()?.wait()?;
        let time = start.elapsed();
        drop(command); // closes our write end of the answer's pipe
        let mut said = String::new();
        answer.read_to_string(&mut said)?;
        if !said.contains(&self.expected) {
            return Err(format!("{}: said `{}`, not `{}`", self.label, said.trim_end(), self.expected).into());
        }
        Ok(time.as_secs_f64() * 1e6)
    }
}

fn shuffle(order: &mut [usize], seed: &mut u64) {
    for last in (1..order.len()).rev() {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (*seed >> 33) as usize % (last + 1));
    }
}

fn table(programs: &[Program]) -> String {
    let mut table = String::from("| | median | × floor | × hello | × static hello |\n|---|---:|---:|---:|---:|\n");
    for program in programs {
        table += &format!("| {} | {:.0} µs |", program.label, median(program.times.clone()));
        for reference in &programs[..REFERENCES] {
            let ratios = program.times.iter().zip(&reference.times).map(|(time, other)| time / other);
            table += &format!(" {:.2} |", median(ratios.collect()));
        }
        table.push('\n');
    }
    table
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
