//! The second road: POSTs to `--events-addr`, as Flux's controllers do, from a bounded queue beside the workers.
//!
//! 5 s per try, 4 retries with 1 s to 30 s between them on connection errors and 5xx; any other answer is final, and
//! 429 means duplicate (emitter contract, notification-controller).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{ID_HEADER, body::Post};

const QUEUE: usize = 1024;
const PARALLEL: usize = 8;
const TRY: Duration = Duration::from_secs(5);
const RETRIES: u32 = 4;

/// A POST and the id of its event.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) body: Post,
}

/// Starts the task that delivers until `retired`; `busy` falls by one for each letter that is done with.
pub(super) fn spawn(
    address: &str,
    busy: Arc<AtomicUsize>,
    retired: CancellationToken,
) -> Result<mpsc::Sender<Letter>, reqwest::Error> {
    let client = reqwest::Client::builder().timeout(TRY).build()?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let address: Arc<str> = address.into();
    tokio::spawn(async move {
        let letters = futures::stream::unfold(
            receiver,
            |mut receiver: mpsc::Receiver<Letter>| async move {
                receiver.recv().await.map(|letter| (letter, receiver))
            },
        );
        let work = letters.for_each_concurrent(PARALLEL, move |letter| {
            let (client, address, busy) = (client.clone(), address.clone(), busy.clone());
            async move {
                deliver(&client, &address, letter).await;
                busy.fetch_sub(1, Ordering::SeqCst);
            }
        });
        retired.run_until_cancelled(work).await;
    });
    Ok(sender)
}

async fn deliver(client: &reqwest::Client, address: &str, letter: Letter) {
    for attempt in 0..=RETRIES {
        let request = client
            .post(address)
            .header(ID_HEADER, &letter.id)
            .json(&letter.body);
        let error = match request.send().await {
            Ok(answer) if !answer.status().is_server_error() => return,
            Ok(answer) => format!("unexpected status {}", answer.status()),
            Err(error) => crate::outcome::chain(&error),
        };
        if attempt == RETRIES {
            tracing::error!(%error, "unable to record event");
            return;
        }
        let pause = Duration::from_secs(1 << attempt).min(Duration::from_secs(30));
        tokio::time::sleep(pause).await;
    }
}
