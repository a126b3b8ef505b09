package dashboard

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"saoma/backend/pay"
)

// spoken are the sources whose texts staff may read, in refusals and in what the doctor finds.
var spoken = []string{
	"../../examine.go", "../../examinemerchant.go", "../../config.go", "../../config_database.go", "../../config_wechat.go", "../../webhookconfig.go", "../../limits.go",
	"../../wechat/examine.go", "../../wechat/key.go", "../../wechat/account.go", "../../wechat/certificate.go", "../../wechat/certificates.go",
	"../../wechat/verify.go", "../../wechat/echo.go", "../../wechat/callback.go", "../../wechat/failure.go",
	"../../webhook/webhook.go", "../../webhook/key.go", "../../webhook/private.go", "../look.go",
}

// sentence is a piece of English: words of small letters in a row.
var sentence = regexp.MustCompile(`\b[a-z]['a-z]+( [a-z]['a-z]*){2,}\b`)

// foreign are the words of others: the kernel's, SQLite's, commands to be typed.
var foreign = regexp.MustCompile(`openssl [a-zA-Z0-9 .-]+|no such file or directory|file is not a database|unable to open database file|saoma doctor`)

func englishIn(text string) string { return sentence.FindString(foreign.ReplaceAllString(text, "")) }

var verbs = regexp.MustCompile(`%[#+]?[0-9.]*[a-z]`)

// textOf is a text in a source, as it may come out: with something in each gap.
func textOf(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil && x.Kind == token.STRING {
			return verbs.ReplaceAllStringFunc(s, func(v string) string {
				return map[bool]string{true: "7", false: "X"}[strings.HasSuffix(v, "d")]
			})
		}
	case *ast.BinaryExpr:
		if x.Op == token.ADD {
			return textOf(x.X) + textOf(x.Y)
		}
	case *ast.CallExpr:
		if f, ok := x.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return textOf(x.Args[0])
		}
	}
	return "X"
}

// texts are all texts of a source.
func texts(file *ast.File) (list []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.BasicLit, *ast.BinaryExpr:
			list = append(list, textOf(x.(ast.Expr)))
			return false
		}
		return true
	})
	return list
}

// refusals are the texts of a source of package pay by which it refuses; the others are for the log.
func refusals(file *ast.File) (list []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := x.Key.(*ast.Ident); ok && slices.Contains([]string{"Message", "Reason", "Trouble"}, key.Name) {
				list = append(list, textOf(x.Value))
			}
		case *ast.AssignStmt:
			if to, ok := x.Lhs[0].(*ast.SelectorExpr); ok && to.Sel.Name == "Trouble" {
				list = append(list, textOf(x.Rhs[0]))
			}
		case *ast.CallExpr:
			name := ""
			switch f := x.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if (name == "add" || name == "invalidField") && len(x.Args) == 2 {
				list = append(list, textOf(x.Args[1]))
			}
		}
		return true
	})
	return list
}

func TestStaffReadsNoEnglishInChinese(t *testing.T) {
	t.Parallel()
	check := func(pattern string, find func(*ast.File) []string) {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatal(pattern, err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range find(file) {
				if left := englishIn(Say("zh-CN", text)); left != "" {
					t.Errorf("%s: %q: there is no Chinese for %q", path, text, left)
				}
			}
		}
	}
	check("../../pay/*.go", refusals)
	for _, path := range spoken {
		check(path, texts)
	}
}

// No page in Chinese has an English sentence, whatever happened in the shop and whatever was refused.
func TestChinesePagesHoldNoEnglish(t *testing.T) {
	t.Parallel()
	s := newShop(t, "http://shop.example")
	s.hire(t, "cafe", "owner", pay.RoleOwner)
	s.hire(t, "cafe", "mei", pay.RoleCashier)
	b := s.openBakery(t, "cafe")
	s.paid(t, "cafe", "拿铁", 700)
	s.change(t, func(ctx context.Context, tx pay.Tx) error {
		a := pay.Attempt{OutTradeNo: "1", Order: pay.OrderID(b.order), Merchant: "cafe", State: pay.AttemptPaid, Channel: pay.Native, Total: 700, TransactionID: "42", PaidAt: s.Cashier.Now(), CreatedAt: s.Cashier.Now()}
		if err := tx.InsertAttempt(ctx, a); err != nil {
			return err
		}
		for _, r := range pay.RefundStates() {
			x := pay.Refund{ID: pay.RefundID("R" + r), Order: a.Order, OutTradeNo: "1", Merchant: "cafe", State: r, Amount: 1, CreatedAt: s.Cashier.Now(),
				Trouble: "the payer's account takes no money: say in the merchant platform where it should go"}
			if err := tx.InsertRefund(ctx, x); err != nil {
				return err
			}
		}
		return tx.InsertDeliveryTry(ctx, pay.DeliveryID(b.delivery), pay.DeliveryTry{At: s.Cashier.Now(), Trouble: "no answer within 20 s"})
	})
	c := s.as(t, "owner")
	tags := regexp.MustCompile(`(?s)<script.*?</script>|<[^>]*>`)
	check := func(what, body string) {
		t.Helper()
		for line := range strings.SplitSeq(tags.ReplaceAllString(body, "\n"), "\n") {
			if left := englishIn(line); left != "" {
				t.Errorf("%s says %q", what, strings.TrimSpace(line))
			}
		}
	}
	ways := b.ways()
	forms := url.Values{"form": {c.token(t, "password")}}
	for _, r := range append(s.routes(), s.openRoutes()...) {
		method, path, _ := strings.Cut(r.pattern, " ")
		if r.pattern == "POST sign-out" {
			continue
		}
		subject := ways[r.pattern]
		path = Prefix + strings.NewReplacer("{id}", subject, "{sku}", subject, "{day}", subject, "{$}", "").Replace(path)
		form := forms // nearly empty: refused
		if method == "GET" {
			form = nil
		}
		res, body := c.do(t, method, path, form)
		if to := res.Header.Get("Location"); to != "" {
			_, body = c.do(t, "GET", to, nil) // says what came of it
		}
		check(r.pattern, body)
	}
	for _, path := range []string{"nowhere", "orders?q=nothing", "products?q=nothing", "orders/nothing"} {
		_, body := c.get(t, path)
		check(path, body)
	}
}
