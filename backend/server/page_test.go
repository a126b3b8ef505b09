package server

import (
	"encoding/json"
	"html"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"saoma/backend/pay"
	"saoma/backend/wire"
)

func testPage(s wire.Status) wire.Page {
	now := time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)
	return wire.Page{
		Now: now, Payee: "街角咖啡", Lang: "zh-CN", Origins: []string{"https://shop.example"},
		Order: wire.Order{
			ID: "ord_1", Status: s, Version: 2, Amount: 1280, Currency: "CNY", Description: "桂花乌龙", Token: "tok",
			Items: []wire.Item{}, CodeURL: "weixin://wxpay/bizpayurl?pr=NwY5Mz9",
			CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		},
	}
}

// testPages are painted with the files of public/, as make left them.
func testPages(t *testing.T) *pages {
	t.Helper()
	s := &Server{Files: os.DirFS("../../public"), Log: slog.New(slog.DiscardHandler)}
	f, err := s.newFiles()
	if err != nil {
		t.Fatal(err)
	}
	ps, err := newPages(f)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func paint(t *testing.T, p wire.Page, o pageOptions) string {
	t.Helper()
	page, _, err := testPages(t).render(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The painted component is the first element of the body, because that is the one that go-app replaces.
var (
	bodyBegin = regexp.MustCompile(`(?s)<body>\s*<main [^>]*id="saoma"`)
	bodyEnd   = regexp.MustCompile(`(?s)</main>\s*<script type="application/json" id="saoma-page">(.*)</script>
</body>
</html>
$`)
)

func TestPage(t *testing.T) {
	t.Parallel()
	p := testPage(wire.StatusPending)
	page := paint(t, p, pageOptions{Theme: "dark", Mode: "inline"})
	for _, want := range []string{
		`<html lang="zh-CN" class="theme-dark mode-inline">`,
		`<title>微信支付 ¥12.80 · 街角咖啡</title>`,
		`fetchpriority="high"></script>`,
		`<noscript><meta http-equiv="refresh" content="4"></noscript>`,
		`id="saoma-code"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
	}
	if !bodyBegin.MatchString(page) {
		t.Errorf("the painted component is not the first element of the body:\n%s", page)
	}
	data := bodyEnd.FindStringSubmatch(page)
	if data == nil {
		t.Fatalf("the body does not end as the script expects:\n%s", page)
	}
	var got wire.Page
	if err := json.Unmarshal([]byte(data[1]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Order.CodeURL != p.Order.CodeURL || !got.Now.Equal(p.Now) || got.Payee != p.Payee ||
		!slices.Equal(got.Origins, p.Origins) {
		t.Errorf("the page carries %+v; want %+v", got, p)
	}
}

// Without scripts a page loads itself again, until nothing can happen any more.
func TestPageWithoutScripts(t *testing.T) {
	t.Parallel()
	for status, again := range map[wire.Status]bool{
		wire.StatusCreated: true, wire.StatusPending: true, wire.StatusExpired: true, wire.StatusCancelled: true,
		wire.StatusPaid: false, wire.StatusRefunded: false,
	} {
		if got := strings.Contains(paint(t, testPage(status), pageOptions{}), `http-equiv="refresh"`); got != again {
			t.Errorf("%s: loads itself again: %t; want %t", status, got, again)
		}
	}
}

func TestPageOptions(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                      `class="theme-auto mode-page"`,
		"theme=light":           `class="theme-light mode-page"`,
		"theme=auto&mode=modal": `class="theme-auto mode-modal"`,
		"mode=kiosk&sound=1":    `class="theme-auto mode-kiosk sound"`,
		"sound=yes":             `class="theme-auto mode-page"`,
		"mode=popup":            `class="theme-auto mode-inline"`,
		"theme=x%22+onload%3D%22&mode=%22%3E%3Cscript%3E": `class="theme-auto mode-inline"`,
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if page := paint(t, testPage(wire.StatusPending), optionsOf(q, pay.Merchant{})); !strings.Contains(page, want) {
			t.Errorf("%s: no %s in\n%s", query, want, page)
		}
	}
	p := testPage(wire.StatusPending)
	p.Lang = "en-GB"
	for _, want := range []string{`<html lang="en"`, `"lang":"en"`} {
		if page := paint(t, p, pageOptions{}); !strings.Contains(page, want) {
			t.Errorf("a page in English has no %s:\n%s", want, page)
		}
	}
}

func TestPageKeepsNamesApartFromMarkup(t *testing.T) {
	t.Parallel()
	const evil = `</script></title><script>alert(1)</script><!-- "' \`
	p := testPage(wire.StatusPending)
	p.Payee, p.Order.Description, p.Order.ReturnURL, p.Order.Reference = evil, evil, evil, evil
	p.Origins = []string{evil}
	page := paint(t, p, pageOptions{})
	if n := strings.Count(page, "<script"); n != 4 {
		t.Errorf("the page has %d scripts; want its own four:\n%s", n, page)
	}
	if strings.Contains(page, "<!--") {
		t.Errorf("a comment got through:\n%s", page)
	}
	var got wire.Page
	data := bodyEnd.FindStringSubmatch(page)
	if data == nil {
		t.Fatalf("the body does not end as the script expects:\n%s", page)
	}
	if err := json.Unmarshal([]byte(data[1]), &got); err != nil || got.Payee != evil {
		t.Errorf("the payee arrives as %q, %v", got.Payee, err)
	}
	title := regexp.MustCompile(`(?s)<title>(.*?)</title>`).FindStringSubmatch(page)
	if title == nil || !strings.HasSuffix(html.UnescapeString(title[1]), evil) {
		t.Errorf("the title is %q", title)
	}
}

// Pages are painted by many handlers at once; run with -race.
func TestPagesArePaintedAtOnce(t *testing.T) {
	t.Parallel()
	ps := testPages(t)
	statuses := []wire.Status{wire.StatusCreated, wire.StatusPending, wire.StatusPaid, wire.StatusExpired}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			s := statuses[i%len(statuses)]
			page, _, err := ps.render(testPage(s), pageOptions{})
			if err != nil || !strings.Contains(string(page), `data-status="`+string(s)+`"`) {
				t.Errorf("%s: %v\n%s", s, err, page)
			}
		})
	}
	wg.Wait()
}

func TestPageCSP(t *testing.T) {
	t.Parallel()
	got := pageCSP("'sha256-x'", []string{"https://shop.example", "http://127.0.0.1:8081"}, "pay.example:8080")
	want := "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'sha256-x'; img-src 'self' data:; " +
		"connect-src 'self' ws://pay.example:8080 wss://pay.example:8080; " +
		"frame-ancestors 'self' https://shop.example http://127.0.0.1:8081; base-uri 'none'; form-action 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, origin := range []string{
		"", "*", "https://*.example", "https://a.example; script-src *", "https://a.example https://b.example",
		"https://a.example/", "https://a.example/path", "https://u@a.example", "javascript:1", "'none'", "a.example",
		"https://",
	} {
		got := pageCSP("'sha256-x'", []string{origin}, "pay.example")
		if !strings.Contains(got, "; frame-ancestors 'self'; base-uri") {
			t.Errorf("origin %q: %s", origin, got)
		}
	}
	for _, host := range []string{"", "a;script-src *", "a b", "a/b"} {
		if got := pageCSP("'sha256-x'", nil, host); !strings.Contains(got, "; connect-src 'self'; frame-ancestors 'self'; base-uri") {
			t.Errorf("host %q: %s", host, got)
		}
	}
}
