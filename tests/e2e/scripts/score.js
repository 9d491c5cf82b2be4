// A client of another language, as anybody would write one: an endpoint asked by its key, through the proxy and with
// the certificates that the environment names. `node score.js URI KEY REQUEST` prints the answer.
const http = require("node:http");
const https = require("node:https");
const fs = require("node:fs");

const [uri, key, request] = process.argv.slice(2);
const target = new URL(uri);
const proxy = new URL(process.env.HTTPS_PROXY);
const credential = Buffer.from(`${proxy.username}:${decodeURIComponent(proxy.password)}`).toString("base64");

http
  .request({
    host: proxy.hostname,
    port: proxy.port,
    method: "CONNECT",
    path: `${target.host}:443`,
    headers: { "Proxy-Authorization": `Basic ${credential}` },
  })
  .on("connect", (_, socket) => {
    const options = {
      method: "POST",
      socket,
      servername: target.hostname,
      ca: fs.readFileSync(process.env.SSL_CERT_FILE),
      agent: false,
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    };
    https
      .request(uri, options, async (answer) => {
        let text = "";
        for await (const chunk of answer) text += chunk;
        console.log(answer.statusCode, text);
        socket.destroy();
      })
      .end(fs.readFileSync(request));
  })
  .end();
