//! The functions that Flux's CEL environment declares: the standard library, optional values, and the
//! extensions strings, sets and encoders. What is not in this table is an undeclared reference.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::types::Type;

/// One way to call a function; type variables are numbered per signature.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Overload {
    /// The receiver, for a method.
    pub(super) receiver: Option<Type>,
    pub(super) arguments: Vec<Type>,
    pub(super) result: Type,
}

/// All overloads by name; methods and functions share the table.
pub(super) static TABLE: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Vec<Overload>> = HashMap::new();
    for line in DECLARATIONS.lines() {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        table
            .entry(name)
            .or_default()
            .extend(words.filter_map(parse));
    }
    table
});

/// A line: the name, then overloads `receiver.(arguments)result`. `A` and `B` are type variables.
const DECLARATIONS: &str = "
_?_:_ (bool,A,A)A
_&&_ (bool,bool)bool
_||_ (bool,bool)bool
!_ (bool)bool
@not_strictly_false (bool)bool
_==_ (A,A)bool
_!=_ (A,A)bool
_<_ (bool,bool)bool (int,int)bool (uint,uint)bool (double,double)bool (string,string)bool (bytes,bytes)bool (timestamp,timestamp)bool (duration,duration)bool (int,double)bool (int,uint)bool (uint,double)bool (uint,int)bool (double,int)bool (double,uint)bool
_<=_ (bool,bool)bool (int,int)bool (uint,uint)bool (double,double)bool (string,string)bool (bytes,bytes)bool (timestamp,timestamp)bool (duration,duration)bool (int,double)bool (int,uint)bool (uint,double)bool (uint,int)bool (double,int)bool (double,uint)bool
_>_ (bool,bool)bool (int,int)bool (uint,uint)bool (double,double)bool (string,string)bool (bytes,bytes)bool (timestamp,timestamp)bool (duration,duration)bool (int,double)bool (int,uint)bool (uint,double)bool (uint,int)bool (double,int)bool (double,uint)bool
_>=_ (bool,bool)bool (int,int)bool (uint,uint)bool (double,double)bool (string,string)bool (bytes,bytes)bool (timestamp,timestamp)bool (duration,duration)bool (int,double)bool (int,uint)bool (uint,double)bool (uint,int)bool (double,int)bool (double,uint)bool
_+_ (int,int)int (uint,uint)uint (double,double)double (string,string)string (bytes,bytes)bytes (list<A>,list<A>)list<A> (timestamp,duration)timestamp (duration,timestamp)timestamp (duration,duration)duration
_-_ (int,int)int (uint,uint)uint (double,double)double (timestamp,timestamp)duration (timestamp,duration)timestamp (duration,duration)duration
_*_ (int,int)int (uint,uint)uint (double,double)double
_/_ (int,int)int (uint,uint)uint (double,double)double
_%_ (int,int)int (uint,uint)uint
-_ (int)int (double)double
@in (A,list<A>)bool (A,map<A,B>)bool
_[_] (list<A>,int)A (map<A,B>,A)B
size (string)int (bytes)int (list<A>)int (map<A,B>)int string.()int bytes.()int list<A>.()int map<A,B>.()int
int (int)int (uint)int (double)int (string)int (timestamp)int
uint (uint)uint (int)uint (double)uint (string)uint
double (double)double (int)double (uint)double (string)double
string (string)string (bool)string (int)string (uint)string (double)string (bytes)string (timestamp)string (duration)string
bytes (bytes)bytes (string)bytes
bool (bool)bool (string)bool
dyn (A)dyn
timestamp (timestamp)timestamp (string)timestamp
duration (duration)duration (string)duration
matches (string,string)bool string.(string)bool
contains string.(string)bool
startsWith string.(string)bool
endsWith string.(string)bool
getFullYear timestamp.()int
getMonth timestamp.()int
getDayOfYear timestamp.()int
getDayOfMonth timestamp.()int
getDate timestamp.()int
getDayOfWeek timestamp.()int
getHours timestamp.()int duration.()int
getMinutes timestamp.()int duration.()int
getSeconds timestamp.()int duration.()int
getMilliseconds timestamp.()int duration.()int
optional.none ()optional<A>
optional.of (A)optional<A>
optional.ofNonZeroValue (A)optional<A>
hasValue optional<A>.()bool
value optional<A>.()A
or optional<A>.(optional<A>)optional<A>
orValue optional<A>.(A)A
first list<A>.()optional<A>
last list<A>.()optional<A>
charAt string.(int)string
indexOf string.(string)int string.(string,int)int
lastIndexOf string.(string)int string.(string,int)int
lowerAscii string.()string
upperAscii string.()string
replace string.(string,string)string string.(string,string,int)string
split string.(string)list<string> string.(string,int)list<string>
substring string.(int)string string.(int,int)string
trim string.()string
reverse string.()string
join list<string>.()string list<string>.(string)string
format string.(list<dyn>)string
strings.quote (string)string
sets.contains (list<A>,list<A>)bool
sets.equivalent (list<A>,list<A>)bool
sets.intersects (list<A>,list<A>)bool
base64.encode (bytes)string
base64.decode (string)bytes
";

fn parse(text: &str) -> Option<Overload> {
    let (receiver, rest) = match text.split_once(".(") {
        Some((receiver, rest)) => (Some(parse_type(receiver)?), rest),
        None => (None, text.strip_prefix('(')?),
    };
    let (arguments, result) = rest.rsplit_once(')')?;
    let arguments = split(arguments)
        .into_iter()
        .map(parse_type)
        .collect::<Option<_>>()?;
    Some(Overload {
        receiver,
        arguments,
        result: parse_type(result)?,
    })
}

fn parse_type(text: &str) -> Option<Type> {
    Some(match text {
        "dyn" => Type::Dyn,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "A" => Type::Var(0),
        "B" => Type::Var(1),
        _ => {
            let (name, inner) = text.strip_suffix('>')?.split_once('<')?;
            let inner = split(inner)
                .into_iter()
                .map(parse_type)
                .collect::<Option<Vec<_>>>()?;
            match (name, inner.as_slice()) {
                ("list", [item]) => Type::List(Box::new(item.clone())),
                ("optional", [item]) => Type::Optional(Box::new(item.clone())),
                ("map", [key, value]) => Type::Map(Box::new(key.clone()), Box::new(value.clone())),
                _ => return None,
            }
        }
    })
}

/// Splits at the commas outside of angle brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (index, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_is_read() {
        for line in DECLARATIONS.lines().filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap();
            assert_eq!(TABLE[name].len(), words.count(), "{line}");
        }
    }
}
