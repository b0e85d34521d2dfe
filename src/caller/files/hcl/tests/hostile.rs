//! Files that would need too much time or memory if Ensign had no limits.

use proptest::prelude::*;

use std::time::Duration;

use super::{parse_json, value_of};
use crate::caller::files::budget::Budget;
use crate::caller::files::hcl::{PARSER_STACK, may_be_read};
use crate::system::{thread_time, threads};

#[test]
fn types_in_json_are_shallow() {
    for constraint in ["[".repeat(5000), "list(".repeat(60), "!".repeat(60), "\\\"${".repeat(30)] {
        let file = format!("{{\"variable\": {{\"V\": {{\"type\": \"{constraint}\"}}}}, \"it\": \"${{V}}\"}}");
        let document = parse_json(&file, &Budget::new());
        assert!(document.is_none_or(|document| super::value_in(&[document], &[]) == "null"), "{constraint}");
    }
}

/// The evaluation of each file ends soon and without a panic, and its value is unknown.
#[test]
fn what_is_too_much_is_not_known() {
    let chain = |count: usize, link: &dyn Fn(usize) -> String| (1..count).map(link).collect::<String>();
    let deep =
        |open: &str, close: &str, levels: usize| format!("it = {}1{}\n", open.repeat(levels), close.repeat(levels));
    for (what, file) in [
        ("lists in lists", deep("[", "]", 60)),
        ("more lists in lists", deep("[", "]", 5000)),
        ("calls in calls", deep("upper(", ")", 60)),
        ("templates in templates", deep("\"${", "}\"", 60)),
        ("nots", deep("!", "", 60)),
        ("open brackets", "it = ".to_owned() + &"[".repeat(1 << 18)),
        ("open templates", "it = ".to_owned() + &"\"${".repeat(1 << 17)),
        ("a sum of many", "it = 1".to_owned() + &" + 1".repeat(5000)),
        ("indexes", "it = LIST".to_owned() + &"[0]".repeat(50_000) + "\n"),
        ("keys", format!("it = {{\n{}}}\n", chain(40_000, &|n| format!("k{n} = 1\n")))),
        ("a chain of names", format!("a0 = \"x\"\n{}it = a9999\n", chain(10_000, &|n| format!("a{n} = a{}\n", n - 1)))),
        (
            "doubled texts",
            format!("a0 = \"xx\"\n{}it = a99\n", chain(100, &|n| format!("a{n} = \"${{a{0}}}${{a{0}}}\"\n", n - 1))),
        ),
        (
            "doubled lists",
            format!("a0 = [1]\n{}it = flatten(a99)\n", chain(100, &|n| format!("a{n} = [a{0}, a{0}]\n", n - 1))),
        ),
        (
            "lists that grow deep",
            format!("a0 = [1]\n{}it = jsonencode(a150)\n", chain(151, &|n| format!("a{n} = [a{}]\n", n - 1))),
        ),
        (
            "functions that call twice",
            format!(
                "function \"f0\" {{\n params = [x]\n result = x\n}}\n{}it = f39(1)\n",
                chain(40, &|n| format!(
                    "function \"f{n}\" {{\n params = [x]\n result = [f{0}(x), f{0}(x)]\n}}\n",
                    n - 1
                ))
            ),
        ),
        (
            "for in for",
            "R = range(1000)\nit = [for a in R : [for b in R : [for c in R : \"${a}${b}${c}\"]]]\n".to_owned(),
        ),
        ("a product", "R = range(1000)\nit = setproduct(R, R, R)\n".to_owned()),
        ("joined again", "R = range(1000)\nit = join(join(\"xxxxxxxx\", R), R)\n".to_owned()),
        (
            "replaced again",
            "it = replace(replace(join(\"x\", range(1000)), \"x\", join(\"x\", range(1000))), \"x\", \"yyyyyyyy\")\n"
                .to_owned(),
        ),
        (
            "a slow pattern",
            "it = regex(\"(a*)*(a*)*(a{1,100}){1,100}$\", join(\"\", [for x in range(1000) : \"aaaaaaaab\"]))\n"
                .to_owned(),
        ),
        ("a wide field", "it = format(\"%999999999d\", 1)\n".to_owned()),
        ("a huge power", "it = pow(10, 1000)\n".to_owned()),
    ] {
        let is_parsed_soon = || {
            let start = thread_time(); // of the parser's thread
            let _ = hcl_edit::parser::parse_body(&file);
            thread_time() < start + Duration::from_secs(5)
        };
        assert!(
            !may_be_read(&file, &Budget::new()) || threads::with_stack(PARSER_STACK, is_parsed_soon).unwrap(),
            "{what}"
        );
        let start = thread_time();
        let value = value_of(&file, &[]);
        let is_open = value.contains('?') || matches!(&*value, "broken" | "refused");
        let fits = ["lists in lists", "calls in calls", "templates in templates"].contains(&what);
        assert!(is_open || fits || what == "nots", "{what}: {}", &value[..value.len().min(100)]);
        assert!(thread_time() < start + Duration::from_secs(20), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_file_makes_it_panic(
        text in "((it|a|LIST|NAME|tag|for|if|in|null|1|\"x\"|split|format|try|regex|substr|target) ?|[=\\[\\](){},.:?!*+<>~%\\n$\"-]|\\$\\{|%\\{|=>|\\.\\.\\.| ){0,30}",
    ) {
        value_of(&format!("it = {text}\n"), &[]);
        value_of(&text, &[]);
        parse_json(&text, &Budget::new());
    }

    #[test]
    fn no_arguments_make_a_function_panic(
        name in "(replace|split|join|substr|slice|element|range|format|formatlist|chunklist|indent|regex|regexall|regex_replace|parseint|pow|index|indexof|lookup|zipmap|setproduct|distinct|title|basename|dirname|reverse|max|jsondecode|trim|int|sort)",
        arguments in proptest::collection::vec(
            prop_oneof![
                Just("-1"), Just("0"), Just("3"), Just("1e14"), Just("2.5"), Just("null"), Just("\"\""), Just("\"a%s,é\""), Just("\"%5d%-3s%\""),
                Just("LIST"), Just("[]"), Just("MAP"), Just("NOW"), Just("\"(a|b)*\""), Just("true"),
            ],
            0..5,
        ),
    ) {
        value_of(&format!("it = {name}({})\n", arguments.join(", ")), &[]);
    }
}
