// Put into a page as `watch` sends it: the page is shown anew once it is behind, and says where a build has failed.
(() => {
  const { state, news } = document.currentScript.dataset;
  const bar = document.createElement("pre");
  bar.setAttribute("role", "alert");
  Object.assign(bar.style, {
    position: "fixed", inset: "auto 0 0 0", zIndex: 9999, margin: 0, padding: "0.8rem", maxHeight: "40vh", overflow: "auto",
    whiteSpace: "pre-wrap", font: "14px/1.4 sans-serif", color: "#fff", background: "#8b1a1a",
  });
  const say = (lines) => {
    bar.textContent = lines.join("\n");
    if (lines.length) document.documentElement.append(bar);
    else bar.remove();
  };
  const listen = () => {
    const socket = new WebSocket(`ws://${location.host}${news}`);
    socket.onmessage = (event) => {
      const told = JSON.parse(event.data);
      if (told.state !== state) location.reload();
      else say(told.errors);
    };
    socket.onopen = () => say([]);
    socket.onclose = () => {
      say(["make watch has ended or does not answer; what is saved is not shown."]);
      setTimeout(listen, 1000);
    };
  };
  listen();
})();
