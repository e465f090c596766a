//! Texts that everybody knows, so their length adds no strength.

use std::sync::LazyLock;

use super::pieces::{Texts, heads};
use super::structure::{Segment, StructureKind};

/// Small letters and digits only; what stands between them in a value does not matter.
const KNOWN_TEXTS: &[&str] = &[
    "loremipsumdolorsitametconsecteturadipiscingelitseddoeiusmodtemporincididuntutlaboreetdoloremagnaaliquautenimad\
     minimveniamquisnostrudexercitationullamcolaborisnisiutaliquipexeacommodoconsequatduisauteiruredolorinreprehend\
     eritinvoluptatevelitessecillumdoloreeufugiatnullapariaturexcepteursintoccaecatcupidatatnonproidentsuntinculpaq\
     uiofficiadeseruntmollitanimidestlaborum",
    "thequickbrownfoxjumpsoverthelazydog",
    "packmyboxwithfivedozenliquorjugs",
    "franzjagtimkomplettverwahrlostentaxiquerdurchbayern",
    "tobeornottobethatisthequestionwhethertisnoblerinthemindtosuffer",
    "maytheforcebewithyoualways",
    "correcthorsebatterystaple",
    "allyourbasearebelongtous",
    "thereisnoplacelike127001",
    "inthebeginninggodcreatedtheheavenandtheearth",
    "onceuponatimeinagalaxyfarfaraway",
    "alonetimeagoinagalaxyfarfaraway",
    "weholdthesetruthstobeselfevidentthatallmenarecreatedequal",
    "fourscoreandsevenyearsago",
    "itwasthebestoftimesitwastheworstoftimes",
    "supercalifragilisticexpialidocious",
    "donaudampfschifffahrtsgesellschaft",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "antidisestablishmentarianism",
    "alphabravocharliedeltaechofoxtrotgolfhotelindiajuliettkilolimamikenovemberoscarpapaquebecromeosierratangouniform\
     victorwhiskeyxrayyankeezulu",
    "onetwothreefourfivesixseveneightnineteneleventwelve",
    "mondaytuesdaywednesdaythursdayfridaysaturdaysunday",
    "januaryfebruarymarchaprilmayjunejulyaugustseptemberoctobernovemberdecember",
    "redorangeyellowgreenblueindigoviolet",
    "314159265358979323846264338327950288419716939937510582097494459230781640628620899",
    "271828182845904523536028747135266249775724709369995",
    "141421356237309504880168872420969807856967187537694",
    "161803398874989484820458683436563811772030917980576",
    "11235813213455891442333776109871597258441816765",
    "23571113171923293137414347535961677173798389971011031071091131271311371391491511571631671731791811911931971992112232272292332392412512572632692712772812832933073113133173313373473493533593673733793833893974014094194214314334394434494574614634674794874914995035095215235415475575635695715775875935996016076136176196316416436476536596616736776836917017097197277337397437517577617697737877978098118218238278298398538578598638778818838879079119199299379419479539679719779839919971009",
    "248163264128256512102420484096819216384327686553613107226214452428810485762097152",
    "deadbeefcafebabefeedfacebaadf00d0badc0de8badf00ddeadc0decafed00dc0ffeec0decafefaceb00c",
    // MD5 of `password`; MD5, SHA-1 and SHA-256 of nothing.
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    // How signed tokens begin, HS256 and RS256.
    "eyjhbgcioijiuzi1niisinr5cci6ikpxvcj9",
    "eyjhbgcioijsuzi1niisinr5cci6ikpxvcj9",
];

/// A shorter piece of a text may well be chance.
const SHORTEST_QUOTE: usize = 8;
const QUOTE_BITS: f64 = 8.0;

static TEXTS: Texts = Texts {
    all: KNOWN_TEXTS,
    least: SHORTEST_QUOTE,
    heads: LazyLock::new(|| heads(KNOWN_TEXTS, SHORTEST_QUOTE)),
};

pub(super) fn find(text: &[char]) -> Vec<Segment> {
    let letters: Vec<(usize, u8)> = text
        .iter()
        .enumerate()
        .filter(|(_, character)| character.is_ascii_alphanumeric())
        .map(|(place, character)| (place, character.to_ascii_lowercase() as u8))
        .collect();
    let normal: Vec<u8> = letters.iter().map(|(_, letter)| *letter).collect();
    let pieces = TEXTS.pieces(&normal).into_iter();
    pieces
        .map(|piece| {
            let length = piece.length;
            let end = letters[piece.start + length - 1].0 + 1;
            let start = letters[piece.start].0;
            let written: usize = end - start - length;
            let bits = QUOTE_BITS + libm::log2(piece.of.len() as f64) + libm::log2(length as f64);
            Segment {
                start,
                end,
                kind: StructureKind::KnownText,
                code_bits: bits + 6.0 + written as f64 * 6.0,
                guess_bits: bits + if written > 0 { 4.0 } else { 0.0 },
            }
        })
        .collect()
}
