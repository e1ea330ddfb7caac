//! A server of HTTP on this machine, for what batchc sends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

/// What it was sent: heads and bodies, each with an empty line between.
pub(crate) type Requests = JoinHandle<Vec<String>>;

/// A server that gives each of these answers once, in their order; its host and port.
pub(crate) fn server(answers: &[&'static str]) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let host = listener.local_addr().expect("it has one").to_string();
    let answers = answers.to_vec();
    let serve = move || {
        let request = |answer| {
            let (mut stream, _) = listener.accept().expect("somebody comes");
            let mut read = BufReader::new(stream.try_clone().expect("it can be read"));
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let start = head.len();
                read.read_line(&mut head).expect("a line");
                if let Some(value) = head[start..].to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
            }
            let mut body = vec![0; length];
            read.read_exact(&mut body).expect("a body");
            let text =
                format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(text.as_bytes()).expect("it is read");
            head + &String::from_utf8(body).expect("text")
        };
        answers.into_iter().map(request).collect()
    };
    (host, std::thread::spawn(serve))
}

/// The host of a server that is not there.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has one").to_string()
}
