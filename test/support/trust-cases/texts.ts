/**
 * Texts of the differential test, usual ones and those seldom met or never meant well. One a line.
 *
 * Runs in: tests.
 */

export const oddFroms = lines(String.raw`
"Q \" uote" <ann@far.test>
ann@far.test, bob@bank.test
undisclosed:;
ann
<ann@far.test

(c) ann@far.test
ann@far.test (Ann) (of Far)
ann@far.test (Ann (of Far))
ann@far.test(Ann)
ann@far.test ()
ann@far.test ( 	)
ann@far.test (bob@bank.test)
ann@far.test (Bob <bob@bank.test>)
ann@far.test (a, b@bank.test)
ann@far.test ("Ann")
ann@far.test ("bob@bank.test) "
ann@far.test (Ann\) bob@bank.test (x)
ann@far.test (Ann: x; y)
ann@far.test (Ann) bob
ann@far.test (Ann), bob@bank.test
ann@far.test (Ann
ann@far.test Ann)
ann@far.test [Ann] (x)
ann (x)@far.test
ann@far.test (Jörg é)
ann@far.test (=?utf-8?q?bob=40bank.test?=)
ann@far.test. (Ann)
ann@[192.0.2.1] (Ann)
a@b@far.test (Ann)
bob@bank.test ann@far.test (Ann)
"ann@bank.test" <ann@far.test>
ann@far.test (Ann)
Ann <ann@[192.0.2.1]>
"a b"@far.test
ann@far.test <bob@bank.test>
G: ann@far.test, bob@far.test;
Ann <ann@far.test.>
Ann <@relay.test:ann@far.test>
=?utf-8?q?=40?= <ann@bücher.test>
Ann <ann@far.test> bob@bank.test
ann @far.test
Ann <ann@far.test><bob@bank.test>
a@b@far.test
Ann <ann@localhost>
"a; b: (c), d." <ann@far.test>
"" <ann@far.test>
"Ann" "Far" <ann@far.test>
"Ann" of Far <ann@far.test>
Ann Ä <ann@far.test>
Ann. of 'Far' / = <a/n=n'@far.test>
Ann<ann@far.test>
<ann@far.test> Ann
ann@far.test>
`);

export const oddTags = lines(`
l=3
l=9999
l=
l=-1
l=1e1
l=0x10
l=1 0
l=00003
l=999999999999999
l=9999999999999999
t=abc
x=1
x=1600000000
z=From:a|b
q=dns/txt
q=http
v=1
i=ann@other.test
i=@sub.far.test
i==61nn@far.test
i=a.b@far.test
i=a..b@far.test
t=1700000000; x=1700000000
X=1

=
n
n=
b=AAAA
y=é
i=
bh=AAAA
a=rsa-sha256
h=from
`);

export const usualResults = lines(`
lists.example; spf=pass; dkim=pass header.i=@far.test header.b=abc; dmarc=pass (p=NONE) header.from=far.test
mx.test; dkim=pass header.i=@a.test header.b="Ab/="; dkim=neutral (no) header.i=@x.test; spf=softfail (a (b)) x.y=a@b
1; spf=pass (ip is 192.0.2.1) smtp.a=b; dmarc=pass (p=x) action=none header.from=far.test; dkim=pass (x) header.d=x
`);

export const oddResults = [
  ...usualResults,
  ...lines(String.raw`
lists.example; none
lists.example
lists.example 1; spf=fail; spf=none
x; dkim=fail reason="a b; c" header.i=@y.test
x; dmarc=bestguesspass header.from="a; b"
x; dmarc=pass header.from="a.b"
x; spf="pass"
x; dkim=pass header=1 header.i=@z.test
x; spf=pass (a "b) c
x (c); DKIM = pass (c) header.I=@z.test header.i=q@z.test
x; dmarc=fail (p=none
x; dkim/1=pass; dmarc=pass header.from=B.test
x; dkim=pass header.i=a.i=b header.i.j=k
x; spf=pass spf=fail; dkim=; dmarc
x; spf=pass (a) (b) x.y=z (c); spf(c)=fail
x; dkim=pass header.i=@a.test(c)b header.s=
x; dkim=pass header.i="@quoted.test" result=none
x; spf=pass\; dmarc=pass
x; i=2; dmarc=pass value.x=1 header.value=2 constructor.x=3
; ; spf=pass;
`),
];

export const oddSenders = lines(String.raw`
"a b"@far.test
ann
ann@localhost
@far.test
a@b@far.test
jörg@far.test
ann@far_x.test
ann@FAR.test
ann@far.test.
a(b)@far.test
a\b@far.test
o'n/e=1@far.test
`);

export const oddAddresses = lines(`
nonsense
::ffff:c000:201
fe80::1%eth0
::192.0.2.1
0:0:0:0:0:ffff:c000:201
2001:DB8::1
64:ff9b::192.0.2.1
`);

export const oddHelos = lines(`
a_b.test
x (y); dkim=pass
mx.far.test.
-x.test
`);

export const oddLines = lines(`
no field here
X-Y : odd
Xé: y
: empty
Subject: two
sUBJECT\t: two
From : ann@far.test
`);

export const usualTerms = lines(`
ip4:192.0.2.1
ip4:192.0.2.0/24
ip4:192.0.2.1/0
ip4:198.51.100.0/25
ip6:2001:db8::/32
ip6:::1/128
ip6:2001:DB8:0:1::/64
a
a/24
mx
MX
mx/28//64
a:host.far.test
a:host.far.test//48
mx:bank.test
mx:many9.test
include:far.test
include:_spf.bank.test
include:lists.example
include:%{d1r}.wide.test
exists:%{ir}.dnsl.test
exists:%{l}._spf.%{d}
exists:%{i}._spf.%{d2}
exists:%{L-}.u.test
exists:%{s}.s.test
a:%{o}
a:%{v}.%{h}
ptr
PTR
ptr:far.test
ptr:Host.FAR.test
ptr:bank.test
ptr:%{d}
ptr:%{d2}
include:a_b.far.test
ptr:a_b.far.test
`);

export const oddTerms = lines(`
ptr:
ptr/24
ptr:far.test/24
ptr:test
ptr:%{l}.far.test
ptr:%{h}
ptr:far.test.
ptr:xn--zz--9.far.test
ptr:xn--zz--8.far.test
ptr:t
ip4:192.0.2
ip4:192.0.2.1/33
ip4:192.0.2.01
ip6:::/129
include
include:
include:nowhere.test
include:loop.test
include:two.test
exists:%{p}.p.test
exists:away.test
exists:a..test
exists:%{d0}.test
a:
a:test
a:%{x}.test
a:%{l}.%%.test
a:away.test
a:void1.test
a:void2.test
a:host.far.test/024
mx:many.test
mx:void3.test
mx:null.test
mx:order.test
all:x
foo
foo:bar
redirect=loop.test
exp=%{d}.exp.test
exp=exp.test
exp=
note=some%%thing
note=some
x=
=x
`);

export const usualPolicies = lines(`
v=DMARC1; p=none
v=DMARC1; p=reject; sp=none
v=DMARC1;p=quarantine;adkim=s;aspf=s
v=DMARC1; p=reject; rua=mailto:a@far.test
v=DMARC1; p=REJECT; np=reject; sp=quarantine
v=DMARC1; p=reject; t=y
v=DMARC1; p=none; psd=n
v=DMARC1; p=reject; adkim=S; pct=50; fo=1; ri=3600;
v = DMARC1 ; p = reject
v=DMARC1; sp=reject; p=none; np=quarantine
`);

export const oddPolicies = lines(`
v=DMARC1
v=DMARC1; p=maybe
v=DMARC1; p=maybe; rua=mailto:a@far.test
v=DMARC1; p=none; p=reject
v=DMARC2; p=none
v=DMARC1; P=reject
v=dmarc1; p=none
v=DMARC1; p=reject; psd=y
p=none; v=DMARC1
v=DMARC1; p
v=DMARC1; p=none; =x
v=DMARC1; p=none; sp=x
v=DMARC1; p=none; sp
V=DMARC1; p=reject; 
v=DMARC1; rua=a@far.test
v=DMARC1; rua=mailto:a@far.test!10m
TIMEOUT
`);

/** Latin-1 as it would be written in UTF-8. */
function lines(text: string): readonly string[] {
  return Buffer.from(text.slice(1, -1), 'utf8').toString('latin1').split('\n');
}
