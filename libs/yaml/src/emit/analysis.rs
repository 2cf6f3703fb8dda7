//! What styles a scalar's text allows (libyaml's `yaml_emitter_analyze_scalar`).

/// The styles a text may be written in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Analysis {
    /// The text has line breaks.
    pub(crate) multiline: bool,
    /// Unquoted inside `[…]` or `{…}`.
    pub(crate) flow_plain: bool,
    /// Unquoted elsewhere.
    pub(crate) block_plain: bool,
    /// In single quotes.
    pub(crate) single: bool,
    /// As a block literal.
    pub(crate) block: bool,
}

/// Says whether libyaml prints the character as it is.
pub(crate) fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}')
        && c != '\u{FEFF}'
}

/// Says whether libyaml takes the character for a line break.
pub(crate) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Analyses a text; yaml.v3 lets tabs stand in block literals, goyaml.v2 does not.
pub(crate) fn analyze(text: &str, tabs_in_blocks: bool) -> Analysis {
    if text.is_empty() {
        return Analysis {
            multiline: false,
            flow_plain: false,
            block_plain: true,
            single: true,
            block: false,
        };
    }
    let document_mark = text.starts_with("---") || text.starts_with("...");
    let (mut block_indicators, mut flow_indicators) = (document_mark, document_mark);
    let (mut line_breaks, mut special, mut tabs) = (false, false, false);
    let (mut leading_space, mut leading_break) = (false, false);
    let (mut trailing_space, mut trailing_break) = (false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut previous_space, mut previous_break) = (false, false);
    let mut preceded_by_whitespace = true;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|&(_, c)| c);
        let last = next.is_none();
        let followed_by_whitespace = next.is_none_or(|c| matches!(c, ' ' | '\t'));
        match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`'
                if i == 0 =>
            {
                flow_indicators = true;
                block_indicators = true;
            }
            '?' | ':' if i == 0 => {
                flow_indicators = true;
                block_indicators |= followed_by_whitespace;
            }
            '-' if i == 0 && followed_by_whitespace => {
                flow_indicators = true;
                block_indicators = true;
            }
            ',' | '?' | '[' | ']' | '{' | '}' => flow_indicators = true,
            ':' => {
                flow_indicators = true;
                block_indicators |= followed_by_whitespace;
            }
            '#' if preceded_by_whitespace => {
                flow_indicators = true;
                block_indicators = true;
            }
            _ => {}
        }
        if c == '\t' && tabs_in_blocks {
            tabs = true;
        } else if !printable(c) {
            special = true;
        }
        if c == ' ' {
            leading_space |= i == 0;
            trailing_space |= last;
            break_space |= previous_break;
            (previous_space, previous_break) = (true, false);
        } else if is_break(c) {
            line_breaks = true;
            leading_break |= i == 0;
            trailing_break |= last;
            space_break |= previous_space;
            (previous_space, previous_break) = (false, true);
        } else {
            (previous_space, previous_break) = (false, false);
        }
        preceded_by_whitespace = matches!(c, ' ' | '\t') || is_break(c) || c == '\0';
    }
    let edges = leading_space || leading_break || trailing_space || trailing_break;
    let unprintable = space_break || tabs || special;
    let plain = !(edges || break_space || unprintable || line_breaks);
    Analysis {
        multiline: line_breaks,
        flow_plain: plain && !flow_indicators,
        block_plain: plain && !block_indicators,
        single: !(break_space || unprintable),
        block: !(trailing_space || space_break || special),
    }
}
