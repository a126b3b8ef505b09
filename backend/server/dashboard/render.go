package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"saoma/backend/pay"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pages are the templates, by language and by name: "zh-CN/orders". Each is parsed when it is first asked for: all together
// take longer than the rest of the program does to start.
type pages struct {
	templates map[string]func() (*template.Template, error)
	assets    assets
}

// newPages finds every page, for each language. A page defines "title" and "main"; what all share is in frame.html and
// parts.html.
func newPages(a assets) (pages, error) {
	p := pages{templates: make(map[string]func() (*template.Template, error)), assets: a}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return p, fmt.Errorf("find the dashboard's pages: %w", err)
	}
	for _, lang := range languages {
		shared := sync.OnceValues(func() (*template.Template, error) {
			return template.New("frame.html").Funcs(functions(lang)).ParseFS(pageFiles, "pages/frame.html", "pages/parts.html")
		})
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "frame" || name == "parts" {
				continue
			}
			p.templates[lang+"/"+name] = sync.OnceValues(func() (*template.Template, error) { return parsePage(shared, file) })
		}
	}
	return p, nil
}

// parsePage puts a page into a copy of what all share, which itself is never painted.
func parsePage(shared func() (*template.Template, error), file string) (*template.Template, error) {
	t, err := shared()
	if err == nil {
		t, err = t.Clone()
	}
	if err == nil {
		t, err = t.ParseFS(pageFiles, file)
	}
	if err != nil {
		return nil, fmt.Errorf("parse the dashboard's %s: %w", file, err)
	}
	return t, nil
}

// A view is what every page is painted from. Data is the page's own.
type view struct {
	Lang, Theme   string
	Languages     []string
	Themes        []string
	Shop          string
	Staff         pay.Staff
	Nav           []navItem // that the role permits
	Path          string    // below Prefix
	Here          string    // path and query, to come back to
	Token         string    // for forms
	Flash         *flash
	Style, Script string
	Data          any
}

// Is reports whether this is the page, or one below it.
func (v view) Is(p string) bool { return v.Path == p || strings.HasPrefix(v.Path, p+"/") }

// May reports whether who is signed in may do something.
func (v view) May(p string) bool { return v.Staff.Role.May(pay.Permission(p)) }

// render paints a page. Nothing is sent if that fails.
func (q *request) render(status int, name string, data any) error {
	parsed, ok := q.pages.templates[q.look.Lang+"/"+name]
	if !ok {
		return fmt.Errorf("dashboard: there is no page %s", name)
	}
	t, err := parsed()
	if err != nil {
		return err
	}
	v := view{
		Lang: q.look.Lang, Theme: q.look.Theme, Languages: languages[:], Themes: themes[:],
		Shop: q.shop.Name, Staff: q.staff, Path: strings.TrimPrefix(q.r.URL.Path, Prefix), Here: q.here(),
		Token: q.formToken(), Flash: q.takeFlash(), Data: data,
		Style: q.pages.assets.address("dashboard.css"), Script: q.pages.assets.address("dashboard.js"),
	}
	if q.staff.ID != "" && !q.staff.Provisional {
		for _, n := range navigation() {
			if n.permits(q.staff.Role) {
				v.Nav = append(v.Nav, n)
			}
		}
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "frame.html", v); err != nil {
		return fmt.Errorf("dashboard: paint %s: %w", name, err)
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.Header().Set("Content-Language", q.look.Lang)
	q.w.WriteHeader(status)
	_, _ = b.WriteTo(q.w) // who does not read it has left
	return nil
}

// here is the page's own address, to come back to after a change of its looks.
func (q *request) here() string {
	if q.r.Method != http.MethodGet {
		return Prefix
	}
	if next := q.r.URL.Query().Get("next"); next != "" && q.staff.ID == "" {
		return Prefix + "sign-in?next=" + template.URLQueryEscaper(localPath(next))
	}
	return q.r.URL.RequestURI()
}

// A navItem is one line of the navigation.
type navItem struct {
	Path  string // below Prefix
	Text  string // English
	Icon  string // the name of a part in parts.html
	Needs pay.Permission
}

func (n navItem) permits(r pay.Role) bool { return r.May(n.Needs) }

// navigation is the menu, in its order. The first page that a role permits is its home.
func navigation() []navItem {
	return []navItem{
		{"today", "Today", "today", pay.SeeFigures},
		{"orders", "Orders", "orders", pay.SeeOrders},
		{"products", "Products", "products", pay.SeeProducts},
		{"reports", "Reconciliation", "reports", pay.SeeReports},
		{"webhooks", "Webhooks", "webhooks", pay.SeeWebhooks},
		{"keys", "Secret keys", "keys", pay.ManageKeys},
		{"staff", "Staff", "staff", pay.ManageStaff},
		{"log", "Staff log", "log", pay.SeeStaffLog},
		{"settings", "Settings", "settings", pay.SeeSettings},
	}
}
