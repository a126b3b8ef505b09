package dashboard

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"saoma/backend/pay"
)

// A request is one request of a browser, and who makes it.
type request struct {
	*Dashboard
	w http.ResponseWriter
	r *http.Request

	look  look
	token pay.Token // of the session; empty if nobody is signed in
	staff pay.Staff
	shop  pay.Merchant
}

// Refusals that are pages of their own.
var (
	errNoPage    = errors.New("there is no such page")
	errForbidden = errors.New("the role does not permit this")
	errForeign   = errors.New("the form is of another page, or too old")
)

func (d *Dashboard) newRequest(w http.ResponseWriter, r *http.Request) *request {
	return &request{Dashboard: d, w: w, r: r, look: lookOf(r)}
}

// open serves what needs nobody to be signed in. Its forms are checked all the same.
func (d *Dashboard) open(serve func(*request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := d.newRequest(w, r)
		err := q.identify()
		if errors.Is(err, pay.ErrNoSession) {
			err = nil
		}
		if err == nil {
			err = q.checkForm()
		}
		if err == nil {
			err = serve(q)
		}
		q.finish(err)
	}
}

// guarded serves a route to staff who may use it, and to nobody else.
func (d *Dashboard) guarded(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := d.newRequest(w, r)
		q.finish(q.serveStaff(route))
	}
}

func (q *request) serveStaff(route route) error {
	err := q.identify()
	switch {
	case errors.Is(err, pay.ErrNoSession):
		return q.askToSignIn()
	case err != nil:
		return err
	}
	if err := q.checkForm(); err != nil {
		return err
	}
	if q.staff.Provisional && !strings.HasSuffix(route.pattern, " password") && !strings.HasSuffix(route.pattern, " sign-out") {
		return q.redirect(Prefix + "password")
	}
	if route.needs != anybody && !q.staff.Role.May(route.needs) {
		return errForbidden
	}
	return route.serve(q)
}

// identify finds who is signed in, or returns [pay.ErrNoSession].
func (q *request) identify() error {
	c, err := q.r.Cookie(q.cookieName(sessionCookie))
	if err != nil {
		return pay.ErrNoSession
	}
	staff, err := q.BackOffice.SignedIn(q.r.Context(), pay.Token(c.Value))
	if err != nil {
		return err
	}
	shop, ok := q.Cashier.Merchants.ByID(staff.Merchant)
	if !ok {
		return pay.ErrNoSession // the merchant has left the configuration
	}
	q.token, q.staff, q.shop = pay.Token(c.Value), staff, shop
	return nil
}

// askToSignIn sends a browser to the sign-in, and back afterwards. A page that was opened by a link elsewhere comes
// without its cookies, for they are strictly ours: asked for once more, by our own page, it has them.
func (q *request) askToSignIn() error {
	if q.r.Method != http.MethodGet {
		return q.failed(Prefix+"sign-in", "You were signed out. Sign in and try again.")
	}
	if q.r.Header.Get("Sec-Fetch-Site") == "cross-site" && q.r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return q.render(http.StatusOK, "again", q.r.URL.RequestURI())
	}
	to := Prefix + "sign-in"
	if here := q.r.URL.RequestURI(); here != Prefix {
		to += "?next=" + url.QueryEscape(here)
	}
	return q.redirect(to)
}

// by is who acts.
func (q *request) by() pay.Actor {
	return pay.Actor{Staff: q.staff.ID, Name: q.staff.Name, Merchant: q.staff.Merchant, Address: q.address()}
}

func (q *request) address() string {
	a, err := q.Address(q.r)
	if err != nil {
		q.Log.Warn("dashboard: no address of a browser", "error", err)
		return ""
	}
	return a.String()
}

// formField is the field with the token that every form of ours carries.
const formField = "form"

// formToken is what a form of this browser must carry. It is of the session, or, before anybody is signed in, of a
// cookie of its own.
func (q *request) formToken() string {
	secret := string(q.token)
	if secret == "" {
		secret = q.visitor()
	}
	d := pay.DigestOf("form " + secret)
	return hex.EncodeToString(d[:16])
}

// checkForm refuses a form that was not made by one of our pages for this browser.
func (q *request) checkForm() error {
	if q.r.Method != http.MethodPost {
		return nil
	}
	if err := q.r.ParseForm(); err != nil {
		return errForeign
	}
	if subtle.ConstantTimeCompare([]byte(q.r.PostForm.Get(formField)), []byte(q.formToken())) != 1 {
		return errForeign
	}
	return nil
}

// value is a field of the form, or of the address.
func (q *request) value(name string) string { return strings.TrimSpace(q.r.FormValue(name)) }

// redirect answers with another address, for GET.
func (q *request) redirect(to string) error {
	http.Redirect(q.w, q.r, to, http.StatusSeeOther)
	return nil
}

// done answers a form: it says that it worked, on the page at to.
func (q *request) done(to, text string, args ...string) error {
	q.setFlash(flash{Text: text, Args: args})
	return q.redirect(to)
}

// failed answers a form that did not work.
func (q *request) failed(to, text string, args ...string) error {
	q.setFlash(flash{Text: text, Args: args, Bad: true})
	return q.redirect(to)
}

// refused answers a form that the domain refused, with its reason. Other errors are trouble of ours.
func (q *request) refused(to string, err error) error {
	e, ok := errors.AsType[*pay.Error](err)
	if !ok || e.Code == pay.NotFound {
		return err
	}
	text := e.Message
	if len(e.Fields) > 0 {
		text = e.Fields[0].Message
	}
	if e.Code == pay.Unavailable {
		q.Log.Warn("dashboard: WeChat Pay did not answer", "error", err)
	}
	return q.failed(to, "Not done: %s", text)
}

// finish answers what ended in an error.
func (q *request) finish(err error) {
	if err == nil {
		return
	}
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, errNoPage) || pay.CodeOf(err) == pay.NotFound || errors.Is(err, pay.ErrNoRow):
		status = http.StatusNotFound
	case errors.Is(err, errForbidden), errors.Is(err, errForeign):
		status = http.StatusForbidden
	case q.r.Context().Err() != nil:
		return // nobody waits for the answer
	default:
		q.Log.Error("dashboard: page failed", "path", q.r.URL.Path, "staff", q.staff.Name, "error", err)
	}
	view := problemView{Status: status, Foreign: errors.Is(err, errForeign), Forbidden: errors.Is(err, errForbidden)}
	if err := q.render(status, "problem", view); err != nil {
		q.Log.Error("dashboard: problem page failed", "error", err)
	}
}

type problemView struct {
	Status             int
	Foreign, Forbidden bool
}
