//! A queue: messages that are held as long as they are worked on, deleted when their rows stand, let go otherwise.
//!
//! A held message is kept invisible by a heartbeat at half its timeout. What is never deleted comes again, and after the
//! queue's own limit goes to its dead-letter queue: nothing is deleted because it failed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
    QueueAttributeName,
};
use tokio::task::JoinHandle;

use crate::connection::Connection;
use crate::error::{Error, Kind, explain};

/// Messages in one request (the limit of SQS).
const BATCH: usize = 10;
/// What SQS itself assumes where a queue says nothing.
const TIMEOUT_DEFAULT_SECONDS: i32 = 30;

/// One queue.
#[derive(Debug)]
pub struct Queue {
    connection: Connection,
    client: aws_sdk_sqs::Client,
    url: String,
    timeout_seconds: i32,
    /// Whether messages that fail again and again go elsewhere.
    pub has_dead_letters: bool,
    /// Receipts of held messages, by message id.
    held: Arc<Mutex<BTreeMap<String, String>>>,
    heartbeat: JoinHandle<()>,
    extensions: Arc<AtomicU64>,
}

/// A message that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its id: the same each time that it comes.
    pub id: String,
    /// What it says.
    pub body: String,
    /// How often it came, this time included.
    pub times: u32,
    /// When it was sent, in microseconds since the Unix epoch.
    pub sent: Option<i64>,
}

impl Queue {
    /// Opens a queue by its URL, its ARN or its name.
    ///
    /// # Errors
    /// What SQS refuses; needs `sqs:GetQueueAttributes`, and for a name `sqs:GetQueueUrl`. Also if an end was asked for
    /// before it answered.
    pub fn open(connection: &Connection, name: &str) -> Result<Queue, Error> {
        let halted = |_| Error::new(name, Kind::Other, "an end was asked for before it answered");
        let client = connection.sqs(&region_of(name).unwrap_or_else(|| connection.region()));
        let url = match name.contains("://") {
            true => name.to_owned(),
            false => connection.reading(url_of(&client, name)).map_err(halted)??,
        };
        let (timeout_seconds, has_dead_letters) = connection.reading(attributes(&client, &url)).map_err(halted)??;
        let held: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let extensions: Arc<AtomicU64> = Arc::default();
        let beat = beat(client.clone(), url.clone(), timeout_seconds, held.clone(), extensions.clone());
        let heartbeat = connection.runtime().spawn(beat);
        Ok(Queue {
            connection: connection.clone(),
            client,
            url,
            timeout_seconds,
            has_dead_letters,
            held,
            heartbeat,
            extensions,
        })
    }

    /// How often messages were held for another timeout.
    pub fn extensions(&self) -> u64 {
        self.extensions.load(Ordering::Relaxed)
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Up to ten messages; waits so long for the first. They are held from now on.
    ///
    /// # Errors
    /// What SQS refuses; needs `sqs:ReceiveMessage`.
    pub fn receive(&self, wait: Duration) -> Result<Vec<Received>, Error> {
        let seconds = i32::try_from(wait.as_secs()).unwrap_or(20).clamp(0, 20);
        let request = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(10)
            .wait_time_seconds(seconds)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        // What is on its way when an end is asked for is not held: it comes again.
        let Ok(answer) = self.connection.reading(request.send()) else { return Ok(Vec::new()) };
        let answer = answer.map_err(|error| explain(&error, &self.url, "sqs:ReceiveMessage", "the queue"))?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut received = Vec::new();
        for message in answer.messages() {
            let (Some(id), Some(receipt)) = (message.message_id(), message.receipt_handle()) else { continue };
            held.insert(id.to_owned(), receipt.to_owned());
            let attribute =
                |name| message.attributes().and_then(|all| all.get(&name)).and_then(|text| text.parse::<i64>().ok());
            received.push(Received {
                id: id.to_owned(),
                body: message.body().unwrap_or_default().to_owned(),
                times: attribute(MessageSystemAttributeName::ApproximateReceiveCount)
                    .and_then(|times| u32::try_from(times).ok())
                    .unwrap_or(1),
                sent: attribute(MessageSystemAttributeName::SentTimestamp).map(|millis| millis.saturating_mul(1000)),
            });
        }
        Ok(received)
    }

    /// Deletes messages; how many SQS did not delete. They come again, which does no harm.
    ///
    /// # Errors
    /// What SQS refuses; needs `sqs:DeleteMessage`.
    pub fn delete(&self, ids: &[String]) -> Result<u64, Error> {
        let mut left = 0;
        for part in self.let_go(ids).chunks(BATCH) {
            let entry = |(index, (_, receipt)): (usize, &(String, String))| {
                DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt).build().ok()
            };
            let entries: Vec<_> = part.iter().enumerate().filter_map(entry).collect();
            let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let answer = self.connection.wait(request.send());
            let answer = answer.map_err(|error| explain(&error, &self.url, "sqs:DeleteMessage", "the queue"))?;
            left += answer.failed().len() as u64;
        }
        Ok(left)
    }

    /// Holds messages no longer: they come again when their timeout ends, or at once.
    pub fn release(&self, ids: &[String], at_once: bool) {
        let receipts = self.let_go(ids);
        if at_once {
            // What fails here comes again a little later.
            self.connection.wait(extend(&self.client, &self.url, 0, &receipts));
        }
    }

    /// Holds nothing any longer.
    pub fn release_all(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn let_go(&self, ids: &[String]) -> Vec<(String, String)> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().filter_map(|id| held.remove_entry(id)).collect()
    }

    /// How long a message stays invisible if nothing is done.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.timeout_seconds).unwrap_or(0))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// `arn:aws:sqs:REGION:…` and `https://sqs.REGION.amazonaws.com/…` say where the queue is.
pub(crate) fn region_of(name: &str) -> Option<String> {
    let region = match name.strip_prefix("arn:") {
        Some(arn) => arn.split(':').nth(2)?,
        None => name.strip_prefix("https://sqs.")?.split_once(".amazonaws.")?.0,
    };
    ingest::key::is_region(region).then(|| region.to_owned())
}

pub(crate) async fn url_of(client: &aws_sdk_sqs::Client, name: &str) -> Result<String, Error> {
    let mut request = client.get_queue_url();
    let mut queue = name;
    if let Some(arn) = name.strip_prefix("arn:") {
        let mut parts = arn.split(':').skip(3);
        request = request.set_queue_owner_aws_account_id(parts.next().map(str::to_owned));
        queue = parts.next().unwrap_or_default();
    }
    let answer = request.queue_name(queue).send().await;
    let answer = answer.map_err(|error| explain(&error, name, "sqs:GetQueueUrl", "the queue"))?;
    Ok(answer.queue_url().unwrap_or_default().to_owned())
}

/// The visibility timeout in seconds, and whether there is a dead-letter queue.
async fn attributes(client: &aws_sdk_sqs::Client, url: &str) -> Result<(i32, bool), Error> {
    let names = [QueueAttributeName::VisibilityTimeout, QueueAttributeName::RedrivePolicy];
    let answer = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.into())).send().await;
    let answer = answer.map_err(|error| explain(&error, url, "sqs:GetQueueAttributes", "the queue"))?;
    let attribute = |name| answer.attributes().and_then(|all| all.get(&name));
    let timeout = attribute(QueueAttributeName::VisibilityTimeout).and_then(|text| text.parse().ok());
    let dead_letters = attribute(QueueAttributeName::RedrivePolicy).is_some_and(|policy| !policy.is_empty());
    Ok((timeout.unwrap_or(TIMEOUT_DEFAULT_SECONDS), dead_letters))
}

/// Keeps held messages invisible, for ever and in batches of ten.
async fn beat(
    client: aws_sdk_sqs::Client,
    url: String,
    timeout: i32,
    held: Arc<Mutex<BTreeMap<String, String>>>,
    extensions: Arc<AtomicU64>,
) {
    let half = Duration::from_millis(u64::try_from(timeout).unwrap_or(0).max(1) * 500);
    loop {
        tokio::time::sleep(half).await;
        let receipts: Vec<_> = {
            let held = held.lock().unwrap_or_else(PoisonError::into_inner);
            held.iter().map(|(id, receipt)| (id.clone(), receipt.clone())).collect()
        };
        let gone = extend(&client, &url, timeout, &receipts).await;
        extensions.fetch_add(receipts.len().saturating_sub(gone.len()) as u64, Ordering::Relaxed);
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        for id in gone {
            held.remove(&id);
        }
    }
}

/// Sets the time for which messages stay invisible; the ids of those whose receipt counts no more.
async fn extend(client: &aws_sdk_sqs::Client, url: &str, seconds: i32, receipts: &[(String, String)]) -> Vec<String> {
    let mut gone = Vec::new();
    for part in receipts.chunks(BATCH) {
        let entry = |(index, (_, receipt)): (usize, &(String, String))| {
            let entry =
                ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string()).receipt_handle(receipt);
            entry.visibility_timeout(seconds).build().ok()
        };
        let entries: Vec<_> = part.iter().enumerate().filter_map(entry).collect();
        let request = client.change_message_visibility_batch().queue_url(url).set_entries(Some(entries));
        // A request that failed is made again with the next beat.
        let Ok(answer) = request.send().await else { continue };
        for failed in answer.failed().iter().filter(|failed| failed.sender_fault()) {
            let index = failed.id().parse::<usize>().ok();
            gone.extend(index.and_then(|index| part.get(index)).map(|(id, _)| id.clone()));
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_says_where_it_is() {
        assert_eq!(region_of("arn:aws:sqs:eu-west-1:111122223333:q").as_deref(), Some("eu-west-1"));
        assert_eq!(region_of("https://sqs.us-east-2.amazonaws.com/111122223333/q").as_deref(), Some("us-east-2"));
        assert_eq!((region_of("q"), region_of("http://127.0.0.1:9/1/q")), (None, None));
    }
}
