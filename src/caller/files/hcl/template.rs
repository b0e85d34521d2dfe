//! Evaluates templates, which are texts with `${…}`, `%{ if … }` and `%{ for … }`.

use hcl_edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use super::eval_context::{EvalContext, Locals};
use super::value::{EvalError, EvalResult, HclValue, LENGTH_AT_MOST};
use crate::caller::files::image_side::UNKNOWN;

impl EvalContext {
    /// Evaluates a template. A template that is a single `${…}` has the type of the value in the braces. Other
    /// templates are texts.
    #[inline(never)]
    pub(super) fn template(&self, template: &Template, locals: &Locals<'_>) -> EvalResult {
        if let Some(Element::Interpolation(only)) = template.as_single_element() {
            return self.value(&only.expr, locals);
        }
        let mut whole = String::new();
        self.fill(template, locals, Strip::None, &mut whole)?;
        Ok(HclValue::text(whole))
    }

    /// Appends the text of a template to `whole`. `around` tells whether to strip white space at the template's start
    /// and end.
    fn fill(&self, template: &Template, locals: &Locals<'_>, around: Strip, whole: &mut String) -> EvalResult<()> {
        let mut is_stripped = around.strip_start();
        let mut elements = template.iter().peekable();
        while let Some(element) = elements.next() {
            let next = elements.peek().map_or(around.strip_end(), |next| strips(next).strip_start());
            match element {
                Element::Literal(text) => {
                    let text = if is_stripped { text.trim_start() } else { text.as_str() };
                    self.push(if next { text.trim_end() } else { text }, whole)?;
                }
                Element::Interpolation(interpolation) => {
                    self.push(&self.value(&interpolation.expr, locals)?.as_marked_text()?, whole)?;
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(directive) => self.fill_if(directive, locals, whole)?,
                    Directive::For(directive) => self.fill_for(directive, locals, whole)?,
                },
            }
            is_stripped = strips(element).strip_end();
        }
        Ok(())
    }

    fn push(&self, text: &str, whole: &mut String) -> EvalResult<()> {
        whole.push_str(text);
        let fits = whole.len() <= LENGTH_AT_MOST && self.budget.spend(text.len() as u64);
        if fits { Ok(()) } else { Err(EvalError::NotKnown) }
    }

    #[inline(never)]
    fn fill_if(&self, directive: &IfDirective, locals: &Locals<'_>, whole: &mut String) -> EvalResult<()> {
        let (first, end) = (&directive.if_expr, directive.endif_expr.strip);
        let condition = match self.value(&first.cond_expr, locals)?.as_bool() {
            Err(EvalError::NotKnown) => return self.push(&UNKNOWN.to_string(), whole),
            condition => condition?,
        };
        let other = directive.else_expr.as_ref();
        let behind_first = other.map_or(end, |other| other.strip);
        match (condition, other) {
            (true, _) => self.fill(&first.template, locals, between(first.strip, behind_first), whole),
            (false, Some(other)) => self.fill(&other.template, locals, between(other.strip, end), whole),
            (false, None) => Ok(()),
        }
    }

    #[inline(never)]
    fn fill_for(&self, directive: &ForDirective, locals: &Locals<'_>, whole: &mut String) -> EvalResult<()> {
        let intro = &directive.for_expr;
        let collection = self.value(&intro.collection_expr, locals)?;
        let strip = between(intro.strip, directive.endfor_expr.strip);
        let key = intro.key_var.as_ref().map(|name| name.as_str());
        match self.each(&collection, key, intro.value_var.as_str(), locals, |locals| {
            self.fill(&intro.template, locals, strip, whole)
        }) {
            Err(EvalError::NotKnown) => self.push(&UNKNOWN.to_string(), whole),
            done => done,
        }
    }
}

/// Returns whether to strip white space at the start and end of the text between two sequences.
fn between(before: Strip, behind: Strip) -> Strip {
    Strip::from((before.strip_end(), behind.strip_start()))
}

/// Returns whether to strip white space before and after an element.
fn strips(element: &Element) -> Strip {
    let (first, last) = match element {
        Element::Literal(_) => return Strip::None,
        Element::Interpolation(interpolation) => return interpolation.strip,
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => (directive.if_expr.strip, directive.endif_expr.strip),
            Directive::For(directive) => (directive.for_expr.strip, directive.endfor_expr.strip),
        },
    };
    Strip::from((first.strip_start(), last.strip_end()))
}
