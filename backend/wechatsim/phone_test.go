package wechatsim

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPhoneFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for target, kind := range map[string]string{
		"/_sim/phone":           "text/html; charset=utf-8",
		"/_sim/phone/phone.css": "text/css; charset=utf-8",
		"/_sim/phone/phone.js":  "text/javascript; charset=utf-8",
		"/_sim/phone/words.js":  "text/javascript; charset=utf-8",
		"/_sim/phone/faults.js": "text/javascript; charset=utf-8",
		"/_sim/phone/calls.js":  "text/javascript; charset=utf-8",
	} {
		w := httptest.NewRecorder()
		s.sim.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		h := w.Header()
		if w.Code != 200 || h.Get("Content-Type") != kind || w.Body.Len() < 100 {
			t.Errorf("%s: %d, %s, %d bytes", target, w.Code, h.Get("Content-Type"), w.Body.Len())
		}
		policy := h.Get("Content-Security-Policy")
		if !strings.HasSuffix(policy, "frame-ancestors 'self'") || strings.Contains(policy, "unsafe") ||
			h.Get("X-Frame-Options") != "" {
			t.Errorf("%s: policy %q", target, policy)
		}
	}
	for _, target := range []string{"/_sim/phone/none.js", "/_sim/phone/..%2fphone.go", "/_sim/phone/%2e%2e"} {
		w := httptest.NewRecorder()
		s.sim.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if w.Code != 404 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

// A demo's pages may frame the phone, and no others.
func TestPhoneIsFramedByTheNamedOrigins(t *testing.T) {
	t.Parallel()
	s, err := New(Options{Origins: []string{"http://127.0.0.1:8081", "http://localhost:8081"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/_sim/phone", nil))
	const want = "frame-ancestors 'self' http://127.0.0.1:8081 http://localhost:8081"
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, want) {
		t.Errorf("policy %q; want %s", policy, want)
	}
}

// The policy of the page stops inline scripts and styles: there must be none, or they would silently do nothing.
func TestPhoneHasNothingInline(t *testing.T) {
	t.Parallel()
	page := phoneFile(t, "phone.html")
	for _, pattern := range []string{`<style`, `\sstyle=`, `\son[a-z]+=`, `<script>`, `javascript:`, `https?://`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("phone.html contains %q", found)
		}
	}
	for _, want := range []string{`src="phone/phone.js"`, `href="phone/phone.css"`} {
		if !strings.Contains(page, want) {
			t.Errorf("phone.html lacks %s", want)
		}
	}
}

func phoneFile(t *testing.T, name string) string {
	t.Helper()
	content, err := phoneFiles.ReadFile("phone/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// all gives the first group of every match.
func all(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// Both languages say the same things, and everything that the page or the simulator can ask for is said.
func TestPhoneWords(t *testing.T) {
	t.Parallel()
	chinese, english, found := strings.Cut(phoneFile(t, "words.js"), "\n  en: {")
	if !found {
		t.Fatal("words.js has no English")
	}
	english, _, _ = strings.Cut(english, "\n};")
	const key = `[{,\n] *(\w+): "`
	zh, en := all(key, chinese), all(key, english)
	slices.Sort(zh)
	slices.Sort(en)
	if !slices.Equal(zh, en) || len(zh) < 50 {
		t.Errorf("%d Chinese and %d English keys:\n%v\n%v", len(zh), len(en), zh, en)
	}
	wanted := all(`data-(?:t|label)="(\w+)"`, phoneFile(t, "phone.html"))
	wanted = append(wanted, all(`say\("(\w+)"`, phoneFile(t, "phone.js")+phoneFile(t, "faults.js"))...)
	wanted = append(wanted, all(`group: "(\w+)"`, phoneFile(t, "faults.js"))...)
	for _, name := range all(`name: "(\w+)"`, phoneFile(t, "faults.js")) {
		wanted = append(wanted, name, name+"Why")
	}
	for _, e := range []*PayError{ErrUnknownCode, ErrDeadCode, ErrOrderClosed, ErrTooLate, ErrAlreadyPaid,
		ErrOtherPayer} {
		wanted = append(wanted, e.Code, e.Code+"Why")
		if !strings.Contains(chinese, `"`+e.Message+`"`) {
			t.Errorf("the page does not say %q", e.Message)
		}
	}
	// The page finds these words by the state of a refund.
	states := regexp.MustCompile(`(?s)refundWords = \{(.*?)\}`).FindStringSubmatch(phoneFile(t, "phone.js"))[1]
	wanted = append(wanted, all(`: "(\w+)"`, states)...)
	for _, state := range []RefundState{RefundProcessing, RefundSucceeded, RefundAbnormal, RefundClosed} {
		if !strings.Contains(states, string(state)+": ") {
			t.Errorf("the page has no word for a refund in %s", state)
		}
	}
	for _, name := range append(wanted, "unreachable", "unreachableWhy") {
		if !slices.Contains(zh, name) {
			t.Errorf("words.js does not say %s", name)
		}
	}
}

// Every switch of the page is one that the simulator has.
func TestPhoneSwitches(t *testing.T) {
	t.Parallel()
	var set map[string]any
	if err := json.Unmarshal(encode(Faults{}), &set); err != nil {
		t.Fatal(err)
	}
	groups := regexp.MustCompile(`at: \["(\w+)", "(\w+)"\]`).FindAllStringSubmatch(phoneFile(t, "faults.js"), -1)
	if len(groups) < 5 {
		t.Fatalf("%d switches", len(groups))
	}
	for _, g := range groups {
		group, _ := set[g[1]].(map[string]any)
		if _, known := group[g[2]]; !known {
			t.Errorf("the simulator has no fault %s.%s", g[1], g[2])
		}
	}
	if _, known := set["callback"].(map[string]any)["late_seconds"]; !known {
		t.Error("the simulator has no late_seconds")
	}
}
