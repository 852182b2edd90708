// The search of the data dictionary. Its index is a script, loaded when somebody begins to search: a page on a disk may not fetch.
(() => {
  const MOST = 40;
  const form = document.querySelector("form.search");
  const input = form.querySelector("input");
  const found = document.getElementById("found");
  const english = document.documentElement.lang === "en";
  const root = document.body.dataset.root;
  let rows = null;
  let loading = false;
  form.hidden = false;

  const named = (zh, en) => (english && en ? en : zh);
  const folded = (text) => text.normalize("NFKC").toLowerCase();

  function load() {
    if (rows || loading) return;
    loading = true;
    const script = document.createElement("script");
    script.src = document.body.dataset.index;
    script.onload = () => { rows = prepared(window.DICTIONARY); show(); };
    document.head.append(script);
  }

  function prepared({ definitions, codes, per_page }) {
    const titles = Object.fromEntries(definitions.filter((row) => row[0] === "list").map((row) => [row[1], named(row[2], row[3])]));
    const result = definitions.map(([kind, id, zh, en, others, address], place) =>
      ({ kind: found.dataset[kind], id, title: named(zh, en), address, rank: place / 1e6, exact: [id, zh, en, ...others.split("\n")].map(folded), text: folded([id, zh, en, others].join(" ")) }));
    for (const [list, items] of Object.entries(codes)) {
      const above = Object.fromEntries(items.filter((item) => !item[4]).map((item) => [item[0], item]));
      const path = (code) => (above[code] ? path(above[code][6]) + above[code][1] : "");
      items.forEach(([code, zh, en, others, until, from, parent], place) => {
        const page = Math.floor(place / per_page) + 1;
        const file = page === 1 ? list : `${list}-${page}`;
        result.push({
          kind: titles[list], id: code, title: (english && en ? en : path(parent) + zh) + (until ? ` ${found.dataset.ended.replace("{year}", until)}` : ""),
          address: `code-lists/${file}.html#c${encodeURIComponent(code)}${until ? `-${from}` : ""}`,
          rank: 1 + (until ? 0.5 : 0) + place / 1e6, exact: [code, zh, en, ...others.split("\n")].map(folded), text: folded([code, path(parent) + zh, en, others].join(" ")),
        });
      });
    }
    return result;
  }

  // Whole matches first, then beginnings, then the rest; definitions before codes, codes in force before those that ended.
  function score(row, wanted, words) {
    if (!words.every((word) => row.text.includes(word))) return -1;
    if (row.exact.includes(wanted)) return row.rank;
    return (row.exact.some((text) => text.startsWith(wanted)) ? 10 : 20) + row.rank;
  }

  function show() {
    const wanted = folded(input.value.trim());
    found.hidden = !wanted || !rows;
    if (found.hidden) return;
    const words = wanted.split(/\s+/);
    const hits = rows.map((row) => [score(row, wanted, words), row]).filter(([rank]) => rank >= 0).sort((a, b) => a[0] - b[0]);
    found.replaceChildren(...hits.slice(0, MOST).map(([, row]) => line(row)));
    if (!hits.length) found.append(remark(found.dataset.none));
    if (hits.length > MOST) found.append(remark(found.dataset.more.replace("{count}", hits.length - MOST)));
  }

  function line({ kind, title, id, address }) {
    const link = document.createElement("a");
    link.href = `${root}/${address}`;
    for (const [tag, text] of [["small", kind], ["span", title], ["code", id]]) {
      const part = document.createElement(tag);
      part.textContent = text;
      link.append(part);
    }
    return link;
  }

  function remark(text) {
    const part = document.createElement("p");
    part.textContent = text;
    return part;
  }

  function move(step) {
    const links = [...found.querySelectorAll("a")];
    if (!links.length) return;
    const now = links.findIndex((link) => link.hasAttribute("aria-selected"));
    const next = (now + step + links.length) % links.length;
    links.forEach((link, place) => link.toggleAttribute("aria-selected", place === next));
    links[next].scrollIntoView({ block: "nearest" });
  }

  input.addEventListener("focus", load);
  input.addEventListener("input", () => { load(); show(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { move(event.key === "ArrowDown" ? 1 : -1); event.preventDefault(); }
    if (event.key === "Escape") found.hidden = true;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    (found.querySelector("a[aria-selected]") || found.querySelector("a"))?.click();
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) found.hidden = true; else show(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input")) { input.focus(); event.preventDefault(); }
  });
  // An address with ?q= searches at once, so that a search can be sent to somebody.
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) { input.value = asked; load(); }
})();
