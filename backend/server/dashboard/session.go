package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"saoma/backend/pay"
)

type signInView struct {
	Next string // where to go afterwards
	Name string // as it was typed, after a refusal
}

func (d *Dashboard) signInPage(q *request) error {
	next := localPath(q.r.URL.Query().Get("next"))
	if q.staff.ID != "" {
		return q.redirect(next)
	}
	return q.render(http.StatusOK, "signin", signInView{Next: next, Name: q.r.URL.Query().Get("name")})
}

func (d *Dashboard) signIn(q *request) error {
	name, next := q.value("name"), localPath(q.value("next"))
	token, staff, err := d.BackOffice.SignIn(q.r.Context(), name, q.r.PostFormValue("password"), q.address())
	if refusal, ok := errors.AsType[*pay.SignInError](err); ok {
		d.Log.Warn("dashboard: sign-in refused", "address", q.address(), "wait", refusal.Wait)
		to := Prefix + "sign-in?" + url.Values{"next": {next}, "name": {clip(name, pay.StaffNameMax)}}.Encode()
		if refusal.Wait > 0 {
			return q.failed(to, "Too many tries. Wait %s and try again.", duration(q.look.Lang, refusal.Wait))
		}
		return q.failed(to, "The name or the password is wrong.")
	}
	if err != nil {
		return err
	}
	// Whatever cookie the browser brought, the session is a new one: nobody can have known its token before.
	q.setSession(token)
	if staff.Provisional {
		next = Prefix + "password"
	}
	return q.redirect(next)
}

func (d *Dashboard) signOut(q *request) error {
	if err := d.BackOffice.SignOut(q.r.Context(), q.token, q.by()); err != nil {
		return err
	}
	q.setCookie(sessionCookie, "", -time.Second)
	return q.done(Prefix+"sign-in", "You are signed out.")
}

func (d *Dashboard) passwordPage(q *request) error {
	return q.render(http.StatusOK, "password", strconv.Itoa(pay.PasswordMin))
}

func (d *Dashboard) changePassword(q *request) error {
	here := Prefix + "password"
	password := q.r.PostFormValue("password")
	if password != q.r.PostFormValue("again") {
		return q.failed(here, "The new password was not typed twice the same.")
	}
	token, err := d.BackOffice.ChangePassword(q.r.Context(), q.r.PostFormValue("old"), password, q.by())
	if refusal, ok := errors.AsType[*pay.SignInError](err); ok {
		return q.failed(here, "Too many tries. Wait %s and try again.", duration(q.look.Lang, refusal.Wait))
	}
	if err != nil {
		return q.refused(here, err)
	}
	q.setSession(token)
	return q.done(Prefix, "Your password is changed. Other browsers were signed out.")
}

// home is the first page of those who may see it.
func (d *Dashboard) home(q *request) error {
	for _, n := range navigation() {
		if n.permits(q.staff.Role) && n.Path != "" {
			return q.redirect(Prefix + n.Path)
		}
	}
	return q.redirect(Prefix + "password")
}

// localPath is where a browser goes next: a page of ours, whatever was asked for.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, Prefix) || strings.ContainsAny(next, "\\\r\n") ||
		strings.Contains(u.Path, "..") {
		return Prefix
	}
	return u.RequestURI()
}
