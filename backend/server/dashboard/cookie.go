package dashboard

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"saoma/backend/pay"
)

// The cookies. With https their names begin with __Host-, so that no other host of the domain can set them.
const (
	sessionCookie = "saoma-staff"
	visitorCookie = "saoma-visitor"
	flashCookie   = "saoma-flash"
	lookCookie    = "saoma-look"
)

const (
	flashLife = time.Minute
	lookLife  = 365 * 24 * time.Hour
)

func (d *Dashboard) cookieName(name string) string {
	if d.secure() {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie that only we get, and no script. life 0: until the browser is closed; below 0: it goes.
func (q *request) setCookie(name, value string, life time.Duration) {
	http.SetCookie(q.w, &http.Cookie{
		Name: q.cookieName(name), Value: value, Path: "/", MaxAge: int(life.Seconds()),
		Secure: q.secure(), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func (q *request) setSession(t pay.Token) {
	q.setCookie(sessionCookie, string(t), pay.SessionMax)
	q.setCookie(visitorCookie, "", -time.Second)
}

// visitor is the secret of a browser in which nobody is signed in, made when first needed.
func (q *request) visitor() string {
	name := q.cookieName(visitorCookie)
	if c, err := q.r.Cookie(name); err == nil && c.Value != "" {
		return c.Value
	}
	secret := rand.Text()
	q.setCookie(visitorCookie, secret, 0)
	q.r.AddCookie(&http.Cookie{Name: name, Value: secret}) // for the next who asks in this request
	return secret
}

// A flash is what the next page says once.
type flash struct {
	Text string   `json:"t"` // English, in which %s stands for the arguments; translated when shown
	Args []string `json:"a,omitempty"`
	Bad  bool     `json:"b,omitempty"`
}

func (q *request) setFlash(f flash) {
	text, _ := json.Marshal(f) // strings can be encoded
	q.setCookie(flashCookie, base64.RawURLEncoding.EncodeToString(text), flashLife)
}

// takeFlash returns what to say, once.
func (q *request) takeFlash() *flash {
	c, err := q.r.Cookie(q.cookieName(flashCookie))
	if err != nil {
		return nil
	}
	q.setCookie(flashCookie, "", -time.Second)
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	f := &flash{}
	if err != nil || json.Unmarshal(text, f) != nil || f.Text == "" {
		return nil
	}
	return f
}

// A look is how a browser wants its pages.
type look struct {
	Lang  string // zh-CN or en
	Theme string // auto, light or dark
}

var (
	languages = [...]string{"zh-CN", "en"}
	themes    = [...]string{"auto", "light", "dark"}
)

// lookOf returns what was chosen before, and else what the browser prefers.
func lookOf(r *http.Request) look {
	l := look{Lang: preferred(r.Header.Get("Accept-Language")), Theme: "auto"}
	for _, name := range []string{lookCookie, "__Host-" + lookCookie} {
		c, err := r.Cookie(name)
		if err != nil {
			continue
		}
		lang, theme, _ := strings.Cut(c.Value, ".")
		l = l.with(lang, theme)
	}
	return l
}

// with is the look with another language or theme, where those are ones we have.
func (l look) with(lang, theme string) look {
	for _, known := range languages {
		if lang == known {
			l.Lang = lang
		}
	}
	for _, known := range themes {
		if theme == known {
			l.Theme = theme
		}
	}
	return l
}

// preferred is the first of the browser's languages that we have: they come in the order of preference. Who reads
// neither gets English, and who says nothing Chinese.
func preferred(accept string) string {
	for tag := range strings.SplitSeq(accept, ",") {
		tag = strings.ToLower(strings.TrimSpace(tag))
		switch {
		case strings.HasPrefix(tag, "zh"):
			return "zh-CN"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	if accept == "" || accept == "*" {
		return "zh-CN"
	}
	return "en"
}

// setLook remembers a language or a theme.
func (d *Dashboard) setLook(q *request) error {
	l := q.look.with(q.value("lang"), q.value("theme"))
	q.setCookie(lookCookie, l.Lang+"."+l.Theme, lookLife)
	return q.redirect(localPath(q.value("next")))
}
