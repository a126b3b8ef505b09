package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/evanw/esbuild/pkg/api"
	"github.com/skip2/go-qrcode"
)

// adyen is a shop's page with Adyen's component for WeChat Pay, bundled as shops bundle it: the least that shows one
// code. npm fetches it once, as the lock file says.
var adyen = sync.OnceValues(func() (files map[string][]byte, err error) {
	folder := filepath.Join("testdata", "adyen")
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		npm.Dir = folder
		if out, err := npm.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("npm ci: %w\n%s", err, out)
		}
	}
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(folder, "shop.js"), filepath.Join(folder, "shop.css")},
		Outdir:      "/",
		Bundle:      true, MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Format: api.FormatESModule, Target: api.ES2022,
		Define: map[string]string{"process.env.NODE_ENV": `"production"`},
	})
	if len(built.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(built.Errors, api.FormatMessagesOptions{}), ""))
	}
	files = map[string][]byte{}
	for _, f := range built.OutputFiles {
		files[path.Base(f.Path)] = f.Contents
	}
	return files, nil
})

// withAdyen serves beside the shop's page one with Adyen's component in place of ours.
func (v *visits) withAdyen(b *testing.B, shop *http.ServeMux) {
	files, err := adyen()
	if err != nil {
		b.Fatalf("bundle Adyen's component: %v", err)
	}
	for name, contents := range files {
		shop.HandleFunc("GET /adyen/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", map[string]string{".js": "text/javascript", ".css": "text/css"}[path.Ext(name)])
			w.Header().Set("Cache-Control", "max-age=31536000, immutable")
			_, _ = w.Write(contents)
		})
	}
	shop.HandleFunc("GET /adyen", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/adyen/shop.css"><script type="module" src="/adyen/shop.js"></script>
<body data-server="%s/adyen/"><h1>Thank you</h1><div id="code"></div>`, v.url)
	})
}

// adyenServer answers what the component asks Adyen's servers for before it shows the code, at once and with the
// least: words, how the payment is, the code's picture, and a logo.
func adyenServer() http.Handler {
	picture, err := qrcode.Encode("weixin://wxpay/bizpayurl?pr=benchmark", qrcode.Medium, 256)
	answer := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Allow-Headers", "*")
			w.Header().Set("Cache-Control", "max-age=300")
			_, _ = w.Write([]byte(body))
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/adyen/sdk/{version}/translations/zh-CN.json", answer("application/json",
		`{"wechatpay.scanqrcode":"扫描二维码","wechatpay.timetopay":"您有 %@ 支付时间","error.subtitle.payment":"支付失败","creditCard.success":"支付成功"}`))
	mux.HandleFunc("/adyen/services/PaymentInitiation/v1/status", answer("application/json", `{"resultCode":"pending","type":"pending","payload":""}`))
	mux.HandleFunc("/adyen/utility/v1/barcode.png", answer("image/png", string(picture)))
	mux.HandleFunc("/adyen/", answer("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 26"><rect width="40" height="26"/></svg>`))
	if err != nil {
		panic(err)
	}
	return mux
}

// visitAdyen does what visit does, with Adyen's component, and returns when its code was painted.
func (v *visits) visitAdyen(b *testing.B, warm bool) (painted float64) {
	b.Helper()
	browser, leave := v.browser(b)
	defer leave()
	times := 1
	if warm {
		times = 3
	}
	for range times {
		if err := chromedp.Do(browser, chromedp.Navigate(strings.Replace(v.page, "/bench?", "/adyen", 1))); err != nil {
			b.Fatalf("open the page with Adyen's component: %v", err)
		}
		painted = 0
		for i := 0; painted == 0; i++ {
			if i == 500 {
				b.Fatal("Adyen's component shows no code")
			}
			time.Sleep(20 * time.Millisecond)
			var err error
			if painted, err = chromedp.Run(browser, chromedp.Evaluate[float64](`Number(document.documentElement.dataset.painted || 0)`)); err != nil {
				b.Fatal(err)
			}
		}
	}
	return painted
}
