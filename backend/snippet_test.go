package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// A language is one in which the README shows the shop's server. Its program is what the README says with a little
// around it that calls it: "make ONCE FEN DESCRIPTION" prints an id, "refund ORDER ONCE FEN" asks for money back, "verify
// HEADERS BODY" reads two files and prints the type of a webhook, or fails.
type language struct {
	block   string // as the README marks it
	before  string
	after   string
	file    string
	command []string // the file's path comes behind it
}

func languages() []language {
	return []language{
		{"python", "", `
import sys
what, rest = sys.argv[1], sys.argv[2:]
if what == "make": print(make_order(rest[0], int(rest[1]), rest[2])["id"])
if what == "refund": refund(rest[0], rest[1], int(rest[2]))
if what == "verify": print(verified(json.load(open(rest[0])), open(rest[1], "rb").read())["type"])
`, "shop.py", []string{"python3"}},
		{"js", "import { readFileSync } from 'node:fs';\n", `
const [what, ...rest] = process.argv.slice(2);
if (what === 'make') console.log((await makeOrder(rest[0], Number(rest[1]), rest[2])).id);
if (what === 'refund') await refund(rest[0], rest[1], Number(rest[2]));
if (what === 'verify') console.log(verified(JSON.parse(readFileSync(rest[0])), readFileSync(rest[1])).type);
`, "shop.mjs", []string{"node"}},
		{"php", "<?php\n", `
[, $what, $first] = $argv;
if ($what === 'make') echo make_order($first, (int) $argv[3], $argv[4])['id'], "\n";
if ($what === 'refund') refund($first, $argv[3], (int) $argv[4]);
if ($what === 'verify') echo verified(json_decode(file_get_contents($first), true), file_get_contents($argv[3]))['type'], "\n";
`, "shop.php", []string{"php"}},
		{"go", `package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)
`, `
func main() {
	fen, _ := strconv.ParseInt(os.Args[len(os.Args)-1], 10, 64)
	var err error
	switch os.Args[1] {
	case "make":
		fen, _ = strconv.ParseInt(os.Args[3], 10, 64)
		var o Order
		o, err = MakeOrder(os.Args[2], fen, os.Args[4])
		fmt.Println(o.ID)
	case "refund":
		err = Refund(os.Args[2], os.Args[3], fen)
	case "verify":
		text, _ := os.ReadFile(os.Args[2])
		var fields map[string]string
		if err = json.Unmarshal(text, &fields); err != nil {
			break
		}
		h := http.Header{}
		for name, value := range fields {
			h.Set(name, value)
		}
		body, _ := os.ReadFile(os.Args[3])
		if err = Verified(h, body); err == nil {
			var event struct{ Type string }
			err = json.Unmarshal(body, &event)
			fmt.Println(event.Type)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
}
`, "shop.go", []string{"go", "run"}},
	}
}

// What the README shows in each language makes an order, believes the webhook of its payment and nothing else, and
// gives money back.
func TestTheREADMEsSnippets(t *testing.T) {
	t.Parallel()
	blocks := snippets(t)
	hooks := newHookRecorder(t)
	w := openWorld(t, serveCommand{
		Listen: "127.0.0.1:0", DemoShop: "127.0.0.1:0", DemoSim: "127.0.0.1:0", Data: dataFolder(t),
	}, func(c *config) { c.Merchants[0].WebhookURL = hooks.url })
	for _, l := range languages() {
		t.Run(l.block, func(t *testing.T) {
			if _, err := exec.LookPath(l.command[0]); err != nil {
				t.Fatalf("%s is not installed: make test installs it where there is apt-get", l.command[0])
			}
			file := filepath.Join(t.TempDir(), l.file)
			if err := os.WriteFile(file, []byte(l.before+blocks[l.block]+l.after), 0o600); err != nil {
				t.Fatal(err)
			}
			shop := func(args ...string) (string, error) {
				cmd := exec.CommandContext(t.Context(), l.command[0], append(append(l.command[1:], file), args...)...)
				return w.asShop(cmd)
			}
			id := must(t, shop, "make", l.block+"-1", "1280", "桂花乌龙")
			if again := must(t, shop, "make", l.block+"-1", "1280", "桂花乌龙"); again != id {
				t.Errorf("the same key made %s and %s", id, again)
			}
			w.pays(t, w.read(t, id))
			headers, body := hooks.about(t, id)
			if got := must(t, shop, "verify", headers, body); got != "order.paid" {
				t.Errorf("the webhook is %q; want order.paid", got)
			}
			if err := os.WriteFile(body, []byte(strings.Replace(read(t, body), "1280", "1", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := shop("verify", headers, body); err == nil {
				t.Errorf("an altered webhook is believed: %s", out)
			}
			must(t, shop, "refund", id, l.block+"-back", "280")
			w.wantRefunded(t, id, 280)
		})
	}
	t.Run("sh", func(t *testing.T) {
		script := blocks["sh"] + "\n"
		script = strings.Replace(script, "saoma /v1/orders/$ID", "true saoma /v1/orders/$ID", 1) // not before it is paid
		out, err := w.asShop(exec.CommandContext(t.Context(), "sh", "-ec", script))
		var o order
		if err != nil || json.Unmarshal([]byte(out), &o) != nil {
			t.Fatalf("%v: %s", err, out)
		}
		w.pays(t, w.read(t, o.ID))
		w.wantStatus(t, o.ID, "paid")
		script = strings.Replace(blocks["sh"], "saoma /v1/orders table-7", "true saoma /v1/orders table-7", 1)
		if out, err := w.asShop(exec.CommandContext(t.Context(), "sh", "-ec", "ID="+o.ID+"\n"+script)); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		w.wantRefunded(t, o.ID, 280)
	})
}

// snippets returns what the README says about the shop's server, by language.
func snippets(t *testing.T) map[string]string {
	t.Helper()
	_, section, found := strings.Cut(read(t, "../README.md"), "## On the shop's server\n")
	if !found {
		t.Fatal("the README has no section about the shop's server")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := make(map[string]string)
	for _, m := range regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```").FindAllStringSubmatch(section, -1) {
		blocks[m[1]] = m[2]
	}
	return blocks
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// asShop runs a program as the shop's server does, with the shop's secrets, and returns what it printed.
func (w *world) asShop(cmd *exec.Cmd) (string, error) {
	cmd.Env = append(os.Environ(), "SAOMA="+w.url, "SAOMA_SECRET_KEY="+w.secretKey, "SAOMA_WEBHOOK_SECRET="+w.webhookSecret)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%w: %s", err, complaints.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func must(t *testing.T, shop func(...string) (string, error), args ...string) string {
	t.Helper()
	out, err := shop(args...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out
}

func (w *world) wantRefunded(t *testing.T, id string, fen int64) {
	t.Helper()
	eventually(t, "the refund is made", func() bool {
		var o struct {
			AmountRefunded int64 `json:"amount_refunded"`
		}
		w.call(t, http.MethodGet, "/v1/orders/"+id, "", w.secret()).json(t, &o)
		return o.AmountRefunded == fen
	})
}

// A hookRecorder is a shop's server that keeps every webhook as it came.
type hookRecorder struct {
	url  string
	came chan [2]string // files with the headers and the body
}

func newHookRecorder(t *testing.T) *hookRecorder {
	h := &hookRecorder{came: make(chan [2]string, 100)}
	folder := t.TempDir()
	var count atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		headers := make(map[string]string)
		for name, values := range r.Header {
			headers[strings.ToLower(name)] = values[0]
		}
		text, err := json.Marshal(headers)
		if err != nil {
			t.Error(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		n := count.Add(1)
		files := [2]string{filepath.Join(folder, fmt.Sprint(n, ".headers")), filepath.Join(folder, fmt.Sprint(n, ".body"))}
		for i, content := range [][]byte{text, body} {
			if err := os.WriteFile(files[i], content, 0o600); err != nil {
				t.Error(err)
			}
		}
		h.came <- files
	}))
	t.Cleanup(s.Close)
	h.url = s.URL + "/hooks/saoma"
	return h
}

// about waits for the webhook about an order.
func (h *hookRecorder) about(t *testing.T, id string) (headers, body string) {
	t.Helper()
	for {
		select {
		case files := <-h.came:
			if strings.Contains(read(t, files[1]), id) {
				return files[0], files[1]
			}
		case <-t.Context().Done():
			t.Fatal("no webhook came")
		}
	}
}
