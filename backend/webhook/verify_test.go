package webhook_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"saoma/backend/webhook"
)

// The specification's own library, in another language, takes what we send and refuses what somebody altered. While
// a secret is replaced, holders of the old and of the new one both can verify.
func TestSignaturesInAnotherLanguage(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("the library comes by npm, which is not installed")
	}
	r := receive(t, func(http.ResponseWriter, *http.Request) {})
	s := sender(t, webhook.Endpoint{URL: r.URL, Private: true, Secrets: []string{secretOf('n'), secretOf('o')}})
	bodies := []string{`{"type":"order.paid","data":{"description":"手冲咖啡 ☕ \"x\" \u0000 </script>"}}`, `{}`}
	for _, body := range bodies {
		s.PostWebhook(t.Context(), cafe, "msg_01ABC", time.Now(), []byte(body))
	}
	type message struct {
		Secret  string            `json:"secret"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	var messages []message
	var want []string
	add := func(expected, secret string, got received, alter func(*message)) {
		m := message{secret, map[string]string{}, got.body}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			m.Headers[name] = got.header.Get(name)
		}
		alter(&m)
		messages, want = append(messages, m), append(want, expected)
	}
	const refused = "No matching signature found"
	for i, got := range r.all() {
		if got.body != bodies[i] {
			t.Fatalf("received %q; want %q", got.body, bodies[i])
		}
		add("genuine", secretOf('n'), got, func(*message) {})
		add("genuine", secretOf('o'), got, func(*message) {})
		add(refused, secretOf('x'), got, func(*message) {})
		add(refused, secretOf('n'), got, func(m *message) { m.Body += " " })
		add(refused, secretOf('n'), got, func(m *message) { m.Headers["webhook-id"] = "msg_01ABD" })
		add("Message timestamp too old", secretOf('n'), got, func(m *message) { m.Headers["webhook-timestamp"] = "1600000000" })

		for secret, genuine := range map[string]bool{secretOf('n'): true, secretOf('o'): true, secretOf('x'): false} {
			key, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := key.Verify([]byte(got.body), got.header); (err == nil) != genuine {
				t.Errorf("in Go: %v", err)
			}
		}
	}
	if got := verifyInNode(t, messages); !slices.Equal(got, want) {
		t.Errorf("in JavaScript:\n got %q\nwant %q", got, want)
	}
}

// verifyInNode has npm's standardwebhooks judge messages.
func verifyInNode(t *testing.T, messages any) (verdicts []string) {
	t.Helper()
	folder := filepath.Join("testdata", "verify")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "standardwebhooks")); err != nil {
		npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		npm.Dir = folder
		if out, err := npm.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	in, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "verify.js")
	node.Dir, node.Stdin = folder, bytes.NewReader(in)
	var complaints strings.Builder
	node.Stderr = &complaints
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, complaints.String())
	}
	if err := json.Unmarshal(out, &verdicts); err != nil {
		t.Fatal(err)
	}
	return verdicts
}
