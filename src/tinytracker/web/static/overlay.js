// Gaze alone on nothing, for OBS's browser source: the source's size stands for the whole screen.

const key = location.hash.slice(1);
const canvas = document.getElementById("gaze");
const pen = canvas.getContext("2d");
let screenPx = null;
let last = null;

function connect() {
  const socket = new WebSocket(`ws://${location.host}/overlay/ws?key=${encodeURIComponent(key)}`);
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "screen") screenPx = message;
    if (message.type === "gaze") last = { ...message, came: performance.now() };
  };
  socket.onclose = () => setTimeout(connect, 2000);
}

function draw(now) {
  requestAnimationFrame(draw);
  if (canvas.width !== innerWidth || canvas.height !== innerHeight) [canvas.width, canvas.height] = [innerWidth, innerHeight];
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (!screenPx || !last || last.x === null || now - last.came > 500) return;
  const scale = innerWidth / screenPx.width_px;
  pen.beginPath();
  pen.arc(last.x * scale, last.y * scale, (last.r ?? 40) * scale, 0, 2 * Math.PI);
  pen.fillStyle = "rgba(79, 209, 193, 0.25)";
  pen.strokeStyle = "rgba(79, 209, 193, 0.9)";
  pen.lineWidth = 3;
  pen.fill();
  pen.stroke();
}

connect();
requestAnimationFrame(draw);
