// Package dashboard is what a shop's staff sees: takings, orders, refunds, the settings. The server paints every page,
// which works without scripts; a small script keeps what is on the screen up to date.
//
// Every page and every form is one entry of [Dashboard.routes], with the permission it needs. A page is a template in
// pages/, written in English; chinese.go holds the other language.
package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"saoma/backend/live"
	"saoma/backend/pay"
)

// A Dashboard serves /dashboard/. Its fields are set once, before its first use.
type Dashboard struct {
	Cashier    *pay.Cashier
	BackOffice *pay.BackOffice
	Figures    *pay.Figures
	Hub        *live.Hub
	PublicURL  string // our own origin as browsers see it; with https cookies are for https only
	Log        *slog.Logger

	// Told lets the other servers know of a topic that has news. nil: there are none.
	Told func(topic string)

	// Doctor looks at all that a merchant's set-up needs and says what is wrong, the worst first. nil: nobody can.
	Doctor func(context.Context, pay.MerchantID) []pay.Check

	// Address tells a browser's own address.
	Address func(*http.Request) (netip.Addr, error)

	pages    pages
	checkups checkups
	assets   assets

	mu      sync.Mutex
	changed map[string]bool // topics with news that has not been told yet
}

// Prefix is the path under which everything is.
const Prefix = "/dashboard/"

// A route is one page or one form.
type route struct {
	pattern string // method, and path below Prefix
	needs   pay.Permission
	serve   func(*request) error
}

// anybody stands in a route that needs no permission, only somebody who is signed in.
const anybody pay.Permission = ""

// routes are all that only staff may see or do.
func (d *Dashboard) routes() []route {
	return append(d.officeRoutes(), []route{
		{"GET {$}", anybody, d.home},
		{"GET today", pay.SeeFigures, d.todayPage},

		{"GET orders", pay.SeeOrders, d.ordersPage},
		{"GET orders/{id}", pay.SeeOrders, d.orderPage},
		{"GET orders/{id}/refund", pay.RefundOrders, d.refundPage},
		{"POST orders/{id}/refund", pay.RefundOrders, d.refund},
		{"GET orders/{id}/cancel", pay.CancelOrders, d.cancelPage},
		{"POST orders/{id}/cancel", pay.CancelOrders, d.cancel},

		{"GET staff", pay.ManageStaff, d.staffPage},
		{"POST staff", pay.ManageStaff, d.addStaff},
		{"GET staff/{id}", pay.ManageStaff, d.memberPage},
		{"POST staff/{id}/role", pay.ManageStaff, d.setRole},
		{"POST staff/{id}/disable", pay.ManageStaff, d.disableMember},
		{"POST staff/{id}/enable", pay.ManageStaff, d.enableMember},
		{"POST staff/{id}/password", pay.ManageStaff, d.resetPassword},
		{"GET log", pay.SeeStaffLog, d.logPage},

		{"POST sign-out", anybody, d.signOut},
		{"GET password", anybody, d.passwordPage},
		{"POST password", anybody, d.changePassword},
		{"GET live", pay.SeeOrders, d.live},
	}...)
}

// openRoutes are those that need nobody to be signed in.
func (d *Dashboard) openRoutes() []route {
	return []route{
		{"GET sign-in", anybody, d.signInPage},
		{"POST sign-in", anybody, d.signIn},
		{"POST look", anybody, d.setLook},
	}
}

// Handler returns all routes.
func (d *Dashboard) Handler() (http.Handler, error) {
	var err error
	if d.assets, err = newAssets(); err != nil {
		return nil, err
	}
	if d.pages, err = newPages(d.assets); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	at := func(pattern string, h http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+Prefix+path, h)
	}
	for _, r := range d.routes() {
		at(r.pattern, d.guarded(r))
	}
	for _, r := range d.openRoutes() {
		at(r.pattern, d.open(r.serve))
	}
	at("GET assets/{file}", d.assets.ServeHTTP)
	mux.HandleFunc(Prefix, d.open(func(q *request) error { return errNoPage }))
	return d.withPolicy(mux), nil
}

// withPolicy sets what pages may do and who may do what with them, and refuses forms of other origins.
func (d *Dashboard) withPolicy(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(d.open(func(q *request) error { return errForeign }))
	checked := guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy(r.Host))
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		r.Body = http.MaxBytesReader(w, r.Body, formMax)
		checked.ServeHTTP(w, r)
	})
}

const formMax = 64 << 10 // bytes of a form

// policy is the Content-Security-Policy: our own script and style, and nothing inline. Sockets are named, since not
// every browser counts them to 'self'.
func policy(host string) string {
	connect := "'self'"
	if !strings.ContainsAny(host, " ;,'\"*\r\n") {
		connect += " ws://" + host + " wss://" + host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src " + connect +
		"; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

func (d *Dashboard) secure() bool { return strings.HasPrefix(d.PublicURL, "https://") }
