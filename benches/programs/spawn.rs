//! Times short programs against each other: `docker push IMAGE <SPECIFICATION`.
//!
//! It is compiled under the name `docker`, for it stands where Docker does: its own words are what the programs find
//! on their parent's command line. In the environment `ROUNDS` says how often each program runs, and `BENCH_HOME` is a
//! link that leads to the home of the program that runs. A line of stdin is one program, fields separated by tabs: label,
//! what its stdout must contain, home, server address (`-`: none), path.
//! The first three lines are the references of the three ratios.
//!
//! A round runs every program once, in an order shuffled anew, and every ratio is taken within a round: what the machine
//! does meanwhile hits both sides alike. The time is that from before the start to after the end of the process.

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

    /// Points the link that our environment names at this program's home: a variable that changed after our own start
    /// would not be believed.
    fn move_in(&self) -> Result<(), Box<dyn Error>> {
        if self.home == "-" {
            return Ok(());
        }
        let link = PathBuf::from(std::env::var_os("BENCH_HOME").ok_or("BENCH_HOME is not set")?);
        let next = link.with_extension("next");
        symlink(&self.home, &next)?;
        Ok(fs::rename(next, link)?)
    }

    /// Runs it once, with its stdin written and closed beforehand. Returns the microseconds it took.
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
        drop(command); // and with it our end of the answer's pipe
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
