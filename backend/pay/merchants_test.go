package pay_test

import (
	"fmt"
	"sync"
	"testing"

	"saoma/backend/pay"
)

// listOf returns n merchants, of whom each is sought by its number.
func listOf(n int, generation string) (list []pay.Merchant) {
	for i := range n {
		list = append(list, pay.Merchant{
			ID: pay.MerchantID(fmt.Sprint("m", i)), Name: generation, PublishableKey: fmt.Sprint("pk_", i),
			SecretDigest: pay.DigestOf(fmt.Sprint(generation, " secret ", i)),
			Origins:      []string{fmt.Sprintf("https://%s-%d.example", generation, i)},
		})
	}
	return list
}

func TestMerchantsAreFoundByEachOfTheirNames(t *testing.T) {
	ms := pay.NewMerchants(listOf(300, "old"))
	for i := range 300 {
		id := pay.MerchantID(fmt.Sprint("m", i))
		byID, ok1 := ms.ByID(id)
		byKey, ok2 := ms.ByPublishableKey(fmt.Sprint("pk_", i))
		bySecret, ok3 := ms.BySecretKey(fmt.Sprint("old secret ", i))
		if !ok1 || !ok2 || !ok3 || byID.ID != id || byKey.ID != id || bySecret.ID != id {
			t.Fatalf("%s: by id %s, by publishable key %s, by secret key %s", id, byID.ID, byKey.ID, bySecret.ID)
		}
		if !ms.AnyAllows(fmt.Sprintf("https://old-%d.example", i)) {
			t.Fatalf("the origin of %s is not known", id)
		}
	}
	for _, key := range []string{"", "m1", "pk_1", "old secret ", "old secret 300", "OLD SECRET 1"} {
		if m, ok := ms.BySecretKey(key); ok {
			t.Errorf("secret key %q is taken for that of %s", key, m.ID)
		}
	}
	if ms.AnyAllows("") || ms.AnyAllows("https://other.example") {
		t.Error("an origin of nobody is allowed")
	}
	if _, ok := ms.ByPublishableKey(""); ok {
		t.Error("an empty publishable key is somebody's")
	}
}

func TestMerchantsAreReplacedWhole(t *testing.T) {
	list := listOf(3, "old")
	ms := pay.NewMerchants(list)
	list[0].Name = "altered behind its back"
	held, _ := ms.ByID("m0")
	if held.Name != "old" {
		t.Errorf("the directory holds %q; want a copy of its own", held.Name)
	}
	ms.All()[0].Name = "altered as well"
	ms.Replace(listOf(2, "new"))
	if _, ok := ms.ByID("m2"); ok || len(ms.All()) != 2 {
		t.Errorf("%d are held after the third left", len(ms.All()))
	}
	if _, ok := ms.BySecretKey("old secret 1"); ok {
		t.Error("an old secret key still opens")
	}
	if m, ok := ms.BySecretKey("new secret 1"); !ok || m.ID != "m1" || m.Name != "new" {
		t.Errorf("the new secret key leads to %+v", m)
	}
	if ms.AnyAllows("https://old-0.example") || !ms.AnyAllows("https://new-0.example") {
		t.Error("the origins are those of before")
	}
	if held.Name != "old" {
		t.Error("what was found before has changed")
	}
}

// Whoever looks while the list is replaced sees one list or the other.
func TestMerchantsReplacedInUse(t *testing.T) {
	ms := pay.NewMerchants(listOf(50, "a"))
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				all := ms.All()
				for _, m := range all {
					if m.Name != all[0].Name {
						t.Errorf("%s and %s in one listing", m.Name, all[0].Name)
						return
					}
				}
				if m, ok := ms.ByID("m49"); !ok || m.Name != "a" && m.Name != "b" {
					t.Errorf("m49 is %+v", m)
					return
				}
			}
		})
	}
	for i := range 500 {
		ms.Replace(listOf(50, string("ab"[i%2])))
	}
	close(done)
	wg.Wait()
}

// What a look-up costs with few and with many merchants.
func BenchmarkMerchants(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		ms := pay.NewMerchants(listOf(n, "old"))
		last := fmt.Sprint("old secret ", n-1)
		b.Run(fmt.Sprintf("merchants=%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, ok := ms.BySecretKey(last); !ok {
					b.Fatal("not found")
				}
			}
		})
	}
}
