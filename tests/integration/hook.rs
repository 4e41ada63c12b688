//! A webhook for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A webhook on 127.0.0.1 that writes down what it is sent. It ends with the test's process.
pub(crate) struct Hook {
    pub(crate) port: u16,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Hook {
    /// The n-th request is answered with this status.
    pub(crate) fn start(status: impl Fn(usize) -> u16 + Send + Sync + 'static) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let (status, log) = (Arc::new(status), bodies.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (status, log) = (status.clone(), log.clone());
                std::thread::spawn(move || serve(stream, &*status, &log));
            }
        });
        Hook { port, bodies }
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }

    /// Every alert told, with the keys of the messages that told it.
    pub(crate) fn told(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for body in self.bodies() {
            let key = body["key"].as_str().unwrap().to_owned();
            for alert in body["alerts"].as_array().unwrap() {
                told.entry(alert["fingerprint"].as_str().unwrap().to_owned()).or_default().insert(key.clone());
            }
        }
        told
    }

    /// A configuration that tells it of every alert, soon again if it fails.
    pub(crate) fn sinks(&self) -> String {
        format!(
            "[sinks.hook]\ntype = 'webhook'\nurl = 'http://127.0.0.1:{}/'\nallow_addresses = ['127.0.0.1/32']\nretry_base = '5ms'\nretry_max = '20ms'\nrate_per_minute = 60000\nburst = 1000\n[[routes]]\nsinks = ['hook']\n",
            self.port
        )
    }
}

fn serve(stream: TcpStream, status: &dyn Fn(usize) -> u16, log: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end().to_lowercase().split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let number = {
            let mut log = log.lock().unwrap();
            log.push(serde_json::from_slice(&body).unwrap());
            log.len() - 1
        };
        let answer = format!("HTTP/1.1 {} X\r\ncontent-length: 2\r\n\r\nno", status(number));
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
