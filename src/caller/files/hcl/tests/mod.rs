//! Expressions with the values that go-cty and buildx compute.

mod functions;
mod hostile;
mod oracle;

use std::collections::BTreeMap;

use super::eval_context::{EvalContext, Locals};
use super::value::{EvalError, HclValue};
use super::{HclDocument, parse, parse_json};
use crate::caller::files::budget::Budget;
use crate::caller::files::image_side::UNKNOWN;

/// The variables that the tables' expressions use.
const FILE: &str = r#"
variable "NAME" { default = "acme" }
variable "EMPTY" { default = "" }
variable "NULL" { default = null }
variable "LIST" { default = ["a", "b", "c"] }
variable "MAP" { default = { x = "1", y = "2" } }
variable "OBJECTS" { default = [{ n = "a", r = "ghcr.io/acme" }, { n = "b", r = "ghcr.io/me" }] }
variable "COUNT" { default = 3 }
variable "YES" { default = true }
variable "NOTHING" {}
variable "TYPED" { type = list(string) }
variable "NOW" { default = timestamp() }
both = "${NAME}-${COUNT}"
circle = "${ring}"
ring = "${circle}"
function "tag" {
  params = [name, version]
  result = ["ghcr.io/${NAME}/${name}:${version}", "ghcr.io/${NAME}/${name}:latest"]
}
function "all" {
  params = [first]
  variadic_params = rest
  result = concat([first], rest)
}
function "twice" {
  params = [x]
  result = once("${x}${x}")
}
function "once" {
  params = [x]
  result = upper(x)
}
function "ping" {
  params = [x]
  result = pong(x)
}
function "pong" {
  params = [x]
  result = ping(x)
}
"#;

fn shown(value: &Result<HclValue, EvalError>) -> String {
    match value {
        Err(_) => "refused".to_owned(),
        Ok(HclValue::Unknown) => "?".to_owned(),
        Ok(HclValue::Null) => "null".to_owned(),
        Ok(HclValue::Text(text)) => format!("\"{}\"", text.replace(UNKNOWN, "?").replace('\n', "\\n")),
        Ok(HclValue::List(_)) => {
            let items = value.as_ref().unwrap().as_list().unwrap().iter().map(|item| shown(&Ok(item.clone())));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Ok(HclValue::Map(_)) => {
            let entries = value.as_ref().unwrap().as_map().unwrap().iter();
            let entries = entries.map(|(name, value)| format!("{name} = {}", shown(&Ok(value.clone()))));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Ok(other) => other.as_text().unwrap().to_string(),
    }
}

fn world(documents: &[HclDocument], environment: &'static [(&str, &str)]) -> EvalContext {
    let look_up =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    EvalContext::new(documents, BTreeMap::new(), Box::new(look_up), Budget::new())
}

/// Returns the value of `it` in `file`. The file may use the variables in [`FILE`].
fn value_of(file: &str, environment: &'static [(&str, &str)]) -> String {
    let Some(document) = parse(file, &Budget::new()) else { return "broken".to_owned() };
    value_in(&[parse(FILE, &Budget::new()).unwrap(), document], environment)
}

fn value_in(documents: &[HclDocument], environment: &'static [(&str, &str)]) -> String {
    shown(&world(documents, environment).value(&"it".parse().unwrap(), &Locals::default()))
}

fn hold(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(value_of(&format!("it = {expression}\n"), &[]), *expected, "{expression}");
    }
}

#[test]
fn values_and_templates() {
    hold(&[
        ("null", "null"),
        ("true", "true"),
        ("3", "3"),
        ("3.10", "3.1"),
        ("-2", "-2"),
        ("1e3", "1000"),
        ("1e16", "?"),
        ("-(COUNT - COUNT)", "?"), // Go writes -0
        ("\"a\\tb\\n\\\"c\\\"\"", "\"a\tb\\n\"c\"\""),
        ("\"\\u00e9\"", "\"é\""),
        ("\"$${NAME} %%{x}\"", "\"${NAME} %{x}\""),
        ("\"x${NAME}y${COUNT}z${YES}\"", "\"xacmey3ztrue\""),
        ("\"${LIST}\"", "[\"a\", \"b\", \"c\"]"),
        ("\"-${LIST}\"", "refused"),
        ("\"-${NULL}\"", "refused"),
        ("\"-${NOW}\"", "\"-?\""),
        ("\"${NAME == \"acme\" ? \"${NAME}/x\" : \"\"}:1\"", "\"acme/x:1\""),
        ("<<E\na\n  ${NAME}\nE", "\"a\\n  acme\\n\""),
        ("<<-E\n    a\n      b\n    E", "\"a\\n  b\\n\""),
        ("\"%{ if YES }a%{ else }b%{ endif }\"", "\"a\""),
        ("\"%{ if !YES }a%{ endif }\"", "\"\""),
        ("\"%{ for x in LIST }${x},%{ endfor }\"", "\"a,b,c,\""),
        ("\"%{ for i, x in LIST }${i}${x}%{ endfor }\"", "\"0a1b2c\""),
        ("\"a ${~ NAME ~} b\"", "\"aacmeb\""),
        ("\"%{ if NOW == \"x\" }a%{ endif }b\"", "\"?b\""),
        ("[1, \"a\", NULL]", "[1, \"a\", null]"),
        ("{ a = 1, \"b-c\" = 2, (NAME) = 3, \"${NAME}/x\" = 4 }", "{a = 1, acme = 3, acme/x = 4, b-c = 2}"),
        ("{ NAME = 1 }", "{NAME = 1}"),
        ("[\n  \"a\", # one\n  \"b\",\n]", "[\"a\", \"b\"]"),
    ]);
}

#[test]
fn operators_and_conditions() {
    hold(&[
        ("1 + 2 * 3 - 4", "3"),
        ("(1 + 2) * 3", "9"),
        ("7 % 4", "3"),
        ("6 / 3", "2"),
        ("1 / 3", "?"),
        ("1 / 0", "?"),
        ("\"2\" + 1", "3"),
        ("-COUNT", "-3"),
        ("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "true"),
        ("NAME == \"acme\"", "true"),
        ("NAME != \"acme\"", "false"),
        ("NULL == null", "true"),
        ("NAME == null", "false"),
        ("1 == \"1\"", "false"),
        ("YES == true", "true"),
        ("LIST == [\"x\"]", "false"),
        ("{} == {}", "true"),
        ("MAP == {}", "false"),
        ("split(\",\", \"a,b,c\") == LIST", "?"),
        ("!YES || NAME == \"acme\"", "true"),
        ("YES && \"false\"", "false"),
        ("NOW == \"x\"", "?"),
        ("NOW == \"x\" && false", "false"),
        ("false && NOW == \"x\"", "false"),
        ("[NOW] == [\"x\"]", "?"),
        ("[NOW, \"a\"] == [\"x\", \"a\"]", "?"),
        ("true || missing", "true"),
        ("false && missing", "false"),
        ("missing || true", "refused"),
        ("true || NOW == \"x\"", "true"),
        ("NOW == \"x\" || true", "true"),
        ("\"a${NOW}\" == \"b\"", "false"),
        ("\"a${NOW}\" == \"ab\"", "?"),
        ("YES ? 1 : 2", "1"),
        ("EMPTY == \"\" ? NAME == \"acme\" ? \"x\" : \"y\" : \"z\"", "\"x\""),
        ("COUNT ? 1 : 2", "refused"),
        ("NOW == \"\" ? \"ghcr.io/acme/app:1\" : \"ghcr.io/acme/app:2\"", "\"ghcr.io/acme/app:?\""),
        ("NOW == \"\" ? [\"a\"] : [\"a\"]", "[\"a\"]"),
        ("NOW == \"\" ? [\"a\"] : []", "?"),
        ("YES ? \"a\" : missing", "\"a\""),
        ("missing", "refused"),
    ]);
}

#[test]
fn collections() {
    hold(&[
        ("LIST[1]", "\"b\""),
        ("LIST[\"1\"]", "\"b\""),
        ("LIST.0", "\"a\""),
        ("LIST[3]", "refused"),
        ("LIST[-1]", "refused"),
        ("MAP.x", "\"1\""),
        ("MAP[\"y\"]", "\"2\""),
        ("MAP.z", "refused"),
        ("OBJECTS[0].n", "\"a\""),
        ("OBJECTS[*].n", "[\"a\", \"b\"]"),
        ("OBJECTS.*.r", "[\"ghcr.io/acme\", \"ghcr.io/me\"]"),
        ("OBJECTS[*].n[0]", "refused"),
        ("OBJECTS.*.n[0]", "\"a\""),
        ("NAME[*]", "[\"acme\"]"),
        ("NULL[*]", "[]"),
        ("[for x in LIST : upper(x)]", "[\"A\", \"B\", \"C\"]"),
        ("[for i, x in LIST : \"${i}${x}\" if x != \"b\"]", "[\"0a\", \"2c\"]"),
        ("[for k, v in MAP : \"${k}${v}\"]", "[\"x1\", \"y2\"]"),
        ("{ for x in LIST : x => upper(x) }", "{a = \"A\", b = \"B\", c = \"C\"}"),
        ("{ for x in [\"a\", \"b\", \"aa\"] : substr(x, 0, 1) => x... }", "{a = [\"a\", \"aa\"], b = [\"b\"]}"),
        ("{ for x in [\"a\", \"a\"] : x => x }", "refused"),
        ("[for o in OBJECTS : \"${o.r}/${o.n}\" if o.r != \"ghcr.io/me\"]", "[\"ghcr.io/acme/a\"]"),
        ("[for x in LIST : [for y in LIST : \"${x}${y}\" if y == x]]", "[[\"aa\"], [\"bb\"], [\"cc\"]]"),
        ("[for x in NOW : x]", "?"),
        ("[for x in LIST : x if NOW == \"\"]", "?"),
        ("[for x in NAME : x]", "refused"),
        ("[\"a\", NOW]", "[\"a\", ?]"),
    ]);
}

#[test]
fn functions_of_the_file() {
    hold(&[
        ("tag(\"web\", \"1\")", "[\"ghcr.io/acme/web:1\", \"ghcr.io/acme/web:latest\"]"),
        ("tag(\"web\")", "refused"),
        ("tag(\"a\", \"b\", \"c\")", "refused"),
        ("tag([\"web\", \"1\"]...)[0]", "\"ghcr.io/acme/web:1\""),
        ("all(\"a\")", "[\"a\"]"),
        ("all(\"a\", \"b\", \"c\")", "[\"a\", \"b\", \"c\"]"),
        ("twice(\"x\")", "\"XX\""),
        ("twice(twice(\"x\"))", "\"XXXX\""),
        ("ping(\"x\")", "refused"),
        ("nobody(\"knows\")", "?"),
        ("both", "\"acme-3\""),
        ("circle", "refused"),
        ("NOTHING", "\"\""),
        ("TYPED", "null"),
    ]);
}

#[test]
fn variables_have_types() {
    for (variable, environment, expected) in [
        ("default = \"d\"", &[("V", "e")][..], "\"e\""),
        ("default = \"d\"", &[("V", "")], "\"\""),
        ("default = null", &[("V", "e")], "\"e\""),
        ("default = null", &[], "null"),
        ("", &[("V", "e")], "\"e\""),
        ("default = false", &[("V", "1")], "true"),
        ("default = false", &[("V", "yes")], "refused"),
        ("default = 1", &[("V", "2")], "2"),
        ("default = [\"a\"]", &[("V", "b,c")], "[\"b\", \"c\"]"),
        ("type = list(string)", &[("V", "b,\"c,d\"")], "[\"b\", \"c,d\"]"),
        ("type = list(string)\n default = [\"a\"]", &[("V", "")], "[]"),
        ("type = list(number)", &[("V", "1,2")], "[1, 2]"),
        ("type = \"list(string)\"", &[("V", "a,\"b\"\"c\"")], "[\"a\", \"b\"c\"]"),
        ("type = any", &[("V", "1")], "\"1\""),
        ("type = bool", &[("V", "f")], "false"),
        ("type = tuple([string, number])", &[("V", "a,1")], "refused"),
        ("type = tuple([any, any])", &[("V", "a,1")], "refused"),
        ("type = set(string)", &[("V", "b,a,b")], "[\"a\", \"b\"]"),
        ("type = tuple([string, string])", &[("V", "b,a")], "[\"b\", \"a\"]"),
        ("type = list(string)", &[("V_JSON", "[\"a\", \"b,c\"]")], "[\"a\", \"b,c\"]"),
        ("type = map(string)", &[("V_JSON", "{\"a\": \"b\"}")], "{a = \"b\"}"),
        ("type = map(string)", &[("V", "a=b")], "refused"),
        ("type = list(string)", &[("V", "a"), ("V_JSON", "[\"b\"]")], "?"),
        ("type = string", &[("V", "a"), ("V_JSON", "\"b\"")], "\"a\""),
        ("type = list(string)", &[("V_JSON", "broken")], "refused"),
        ("type = string\n default = 3", &[], "\"3\""),
        ("default = timestamp()", &[("V", "e")], "\"e\""),
    ] {
        let file = format!("variable \"V\" {{\n {variable}\n}}\nit = V\n");
        assert_eq!(value_of(&file, environment), expected, "{variable} {environment:?}");
    }
    assert_eq!(
        value_of("V = \"x\"\nit = V\n", &[("V", "e")]),
        "\"x\"",
        "the environment does not override an attribute"
    );
    assert_eq!(value_of("NAME = \"x\"\nit = NAME\n", &[]), "\"x\"", "an attribute overrides a variable's default");
    assert_eq!(value_of("NAME = \"x\"\nit = NAME\n", &[("NAME", "e")]), "\"e\"");
}

#[test]
fn json_is_read_as_hcl() {
    for (file, expected) in [
        (r#"{"it": "a"}"#, "\"a\""),
        (r#"{"it": ["${NAME}/x", 1, true, null, {"${NAME}": 2}]}"#, "[\"acme/x\", 1, true, null, {acme = 2}]"),
        (r#"{"it": "${tag(\"web\", \"1\")}"}"#, "[\"ghcr.io/acme/web:1\", \"ghcr.io/acme/web:latest\"]"),
        (r#"{"it": "$${NAME}"}"#, "\"${NAME}\""),
        (r#"{"//": "a comment", "variable": {"V": {"default": "d"}}, "it": "${V}"}"#, "\"d\""),
        (r#"{"variable": [{"V": [{"default": "d"}]}], "it": "${V}"}"#, "\"d\""),
        (r#"{"function": {"f": {"params": ["x"], "result": "${x}!"}}, "it": "${f(1)}"}"#, "\"1!\""),
        (r#"{"variable": {"V": {"type": "list(string)", "default": ["a"]}}, "it": "${V}"}"#, "[\"a\"]"),
    ] {
        let document = parse_json(file, &Budget::new()).expect(file);
        let documents = [parse(FILE, &Budget::new()).unwrap(), document];
        let value = world(&documents, &[]).value(&"it".parse().unwrap(), &Locals::default());
        assert_eq!(shown(&value), expected, "{file}");
    }
    for broken in ["", "[1]", "{\"target\": 1}", "{\"target\": {\"a\": 1}}", "{\"a\": \"${\"}", "{\"a\": 1} x"] {
        assert!(parse_json(broken, &Budget::new()).is_none(), "{broken}");
    }
}
