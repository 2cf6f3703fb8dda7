//! Talking to the remote: references by prefix, and one commit as a pack.

use std::sync::Arc;
use std::time::Instant;

use gix::ObjectId;
use gix::bstr::BString;
use gix::progress::Discard;
use gix::protocol::fetch::negotiate::{Action, Round, one_round};
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::transport::client::Capabilities;
use gix::protocol::transport::client::blocking_io::http::Transport;
use gix::protocol::transport::{Protocol, Service};
use gix::protocol::{Handshake, LsRefsCommand};

use crate::error::{Phase, chain};
use crate::http::{Cancel, Clients, Credentials, Failures, Network, Wire};
use crate::mirror::Mirror;
use crate::{Error, Limits};

/// Holds one conversation with a server.
pub(crate) struct Remote {
    shown: String,
    transport: Transport<Wire>,
    handshake: Handshake,
    failures: Failures,
    cancel: Arc<Cancel>,
    phase: Phase,
}

/// A reference of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) name: String,
    /// What it points to, possibly a tag object.
    pub(crate) target: ObjectId,
    /// What the tag object points to, else the same.
    pub(crate) peeled: ObjectId,
}

/// Says where and how to connect.
pub(crate) struct Address<'a> {
    pub(crate) url: &'a url::Url,
    pub(crate) shown: &'a str,
    pub(crate) credentials: &'a Credentials,
    pub(crate) network: &'a Network,
    pub(crate) clients: &'a Clients,
    pub(crate) deadline: Instant,
    pub(crate) cancel: Arc<Cancel>,
}

impl Remote {
    /// Connects and learns what the server can do; failures are told as being of `phase`.
    pub(crate) fn connect(
        address: &Address<'_>,
        limits: &Limits,
        phase: Phase,
    ) -> Result<Self, Error> {
        let shown = address.shown.to_owned();
        let (wire, failures) = Wire::new(
            address.clients.get(address.network)?,
            address.credentials,
            address.deadline,
            address.cancel.clone(),
            limits.pack_bytes,
        )?;
        let mut plain = address.url.clone();
        let _ = plain.set_username("");
        let _ = plain.set_password(None);
        let failed = |error: gix::Error| told(&failures, phase, &shown, &error);
        let url = gix::url::parse(plain.as_str()).map_err(failed)?;
        let mut transport = Transport::new_http(wire, url, Protocol::V2, false);
        let mut handshake = gix::protocol::handshake(
            &mut transport,
            Service::UploadPack,
            |_| Ok(None),
            Vec::new(),
            &mut Discard,
        )
        .map_err(failed)?;
        if handshake.server_protocol_version != Protocol::V2 {
            handshake.capabilities = absolute_depth(&handshake.capabilities).map_err(failed)?;
        }
        let cancel = address.cancel.clone();
        Ok(Self {
            shown,
            transport,
            handshake,
            failures,
            cancel,
            phase,
        })
    }

    /// Returns the references whose names begin with one of `prefixes`, and whether the remote has
    /// any at all among those it told.
    pub(crate) fn list(&mut self, prefixes: &[&str]) -> Result<Vec<Reference>, Error> {
        let refs = match &self.handshake.refs {
            Some(told_already) => told_already.clone(),
            None => {
                let mut wanted = RefPrefixes::new();
                wanted.extend(prefixes.iter().map(|prefix| BString::from(*prefix)));
                let command =
                    LsRefsCommand::new(Some(wanted), &self.handshake.capabilities, agent());
                command
                    .invoke_blocking(&mut self.transport, &mut Discard, false)
                    .map_err(|error| told(&self.failures, self.phase, &self.shown, &error))?
            }
        };
        let found = refs.into_iter().filter_map(Reference::new);
        Ok(found
            .filter(|r| prefixes.iter().any(|prefix| r.name.starts_with(prefix)))
            .collect())
    }

    /// Tells failures from now on as being of `phase`.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Fetches `wanted` into the mirror, with history only if `shallow` says so.
    pub(crate) fn fetch(
        &mut self,
        wanted: &[ObjectId],
        mirror: &Mirror,
        shallow: Shallow,
    ) -> Result<(), Error> {
        let mut negotiation = WantExactly {
            wanted: wanted.to_vec(),
            haves: mirror.known_commits(),
        };
        let context = Context {
            handshake: &mut self.handshake,
            transport: &mut self.transport,
            user_agent: agent(),
            trace_packetlines: false,
        };
        let options = Options {
            shallow_file: mirror.shallow_file(),
            shallow: &shallow,
            tags: Tags::None,
            reject_shallow_remote: false,
        };
        gix::protocol::fetch(
            &mut negotiation,
            |pack, progress, interrupt| mirror.receive(pack, progress, interrupt).map(|()| true),
            Discard,
            &self.cancel.is_set,
            context,
            options,
        )
        .map_err(|error| {
            let error = told(&self.failures, self.phase, &self.shown, &error);
            if matches!(error, Error::Protocol { .. }) {
                mirror.distrust();
            }
            error
        })?;
        mirror.remember(wanted)
    }

    /// Tells whether the server can leave out history.
    pub(crate) fn can_be_shallow(&self) -> bool {
        let capabilities = &self.handshake.capabilities;
        match self.handshake.server_protocol_version {
            Protocol::V2 => capabilities
                .capability("fetch")
                .and_then(|fetch| fetch.supports("shallow"))
                .unwrap_or(false),
            Protocol::V0 | Protocol::V1 => capabilities.contains("shallow"),
        }
    }
}

impl Reference {
    fn new(reference: Ref) -> Option<Self> {
        let (name, target, peeled) = match reference {
            Ref::Peeled {
                full_ref_name,
                tag,
                object,
            } => (full_ref_name, tag, object),
            Ref::Direct {
                full_ref_name,
                object,
            } => (full_ref_name, object, object),
            Ref::Symbolic {
                full_ref_name,
                tag,
                object,
                ..
            } => (full_ref_name, tag.unwrap_or(object), object),
            Ref::Unborn { .. } => return None,
        };
        Some(Self {
            name: name.to_string(),
            target,
            peeled,
        })
    }
}

/// Asks for some objects given what the mirror has, in one round.
struct WantExactly {
    wanted: Vec<ObjectId>,
    haves: Vec<ObjectId>,
}

impl Negotiate for WantExactly {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<Action> {
        Ok(Action::MustNegotiate {
            remote_ref_target_known: Vec::new(),
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        for id in &self.wanted {
            arguments.want(id);
        }
        !self.wanted.is_empty()
    }

    fn one_round(
        &mut self,
        _state: &mut one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> gix::Result<(Round, bool)> {
        for id in &self.haves {
            arguments.have(id);
        }
        let round = Round {
            haves_sent: self.haves.len(),
            in_vain: 0,
            haves_to_send: self.haves.len(),
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}

/// Leaves out `deepen-relative`, which the library asks for in the old protocol whenever it is
/// offered: a depth of one then means one more than before, and the first fetch brings everything.
fn absolute_depth(offered: &Capabilities) -> gix::Result<Capabilities> {
    let mut text = vec![0];
    for capability in offered
        .iter()
        .filter(|capability| capability.name() != "deepen-relative")
    {
        text.extend_from_slice(capability.name());
        if let Some(value) = capability.value() {
            text.push(b'=');
            text.extend_from_slice(value);
        }
        text.push(b' ');
    }
    Ok(Capabilities::from_bytes(&text)?.0)
}

fn agent() -> (&'static str, Option<String>) {
    (
        "agent",
        Some(concat!("git/fjord-", env!("CARGO_PKG_VERSION")).to_owned()),
    )
}

/// Prefers the typed failure of the conversation to what the library made of it.
fn told(failures: &Failures, phase: Phase, url: &str, error: &gix::Error) -> Error {
    match failures.take() {
        Some(source) => Error::Http {
            phase,
            url: url.to_owned(),
            source,
        },
        None => Error::Protocol {
            phase,
            url: url.to_owned(),
            message: chain(error),
        },
    }
}
