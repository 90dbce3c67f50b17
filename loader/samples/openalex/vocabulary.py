"""Word lists from which the sample world takes its names, places, topics and titles."""

from __future__ import annotations

from dataclasses import dataclass

HOME_NAME = "Lindmere University"


@dataclass(frozen=True)
class Department:
    """A department of the sample institution and the words its papers are written with.

    `field` and `domain` are (number, name) of OpenAlex's classification; `topics` are
    (topic name, subfield number, subfield name).
    """

    name: str
    college: str
    field: tuple[int, str]
    domain: tuple[int, str]
    topics: tuple[tuple[str, int, str], ...]
    subjects: tuple[str, ...]
    settings: tuple[str, ...]
    methods: tuple[str, ...]
    journals: tuple[str, ...]


_PHYSICAL = (3, "Physical Sciences")
_LIFE = (1, "Life Sciences")
_SOCIAL = (2, "Social Sciences")
_HEALTH = (4, "Health Sciences")


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split(", "))


DEPARTMENTS = (
    Department(
        name="Freshwater Ecology",
        college="College of Natural Sciences",
        field=(23, "Environmental Science"),
        domain=_PHYSICAL,
        topics=(
            ("River Food Webs and Nutrient Flow", 2303, "Ecology"),
            ("Lake Stratification and Warming", 2312, "Water Science and Technology"),
            ("Wetland Carbon Storage", 2302, "Ecological Modeling"),
            ("Freshwater Invertebrate Diversity", 2309, "Nature and Landscape Conservation"),
            ("Stream Restoration Practice", 2308, "Management, Monitoring, Policy and Law"),
            ("Algal Blooms and Water Quality", 2310, "Pollution"),
        ),
        subjects=_split(
            "nutrient retention, caddisfly drift, <i>Daphnia magna</i> grazing, "
            "leaf litter breakdown, methane release, CO<sub>2</sub> outgassing, "
            "cyanobacterial blooms, dissolved organic carbon, fish migration, "
            "sediment transport, riparian shade, macrophyte recovery"
        ),
        settings=_split(
            "alpine headwaters, lowland rivers, boreal lakes, regulated streams, "
            "peatland catchments, temporary ponds, urban creeks, reservoir cascades, "
            "floodplain forests, subtropical wetlands"
        ),
        methods=_split(
            "stable isotope tracing, long-term monitoring, environmental DNA, "
            "mesocosm experiments, hydrological modelling, remote sensing, "
            "Bayesian hierarchical models, paired catchments"
        ),
        journals=_split("Inland Water Letters, Annals of River Science, Limnetic Research"),
    ),
    Department(
        name="Materials Chemistry",
        college="College of Engineering",
        field=(25, "Materials Science"),
        domain=_PHYSICAL,
        topics=(
            ("Perovskite Photovoltaics", 2504, "Electronic, Optical and Magnetic Materials"),
            ("Porous Framework Synthesis", 2505, "Materials Chemistry"),
            ("Solid Electrolytes for Batteries", 2208, "Electrical and Electronic Engineering"),
            ("Polymer Membranes", 2507, "Polymers and Plastics"),
            ("Nanoparticle Catalysis", 2503, "Ceramics and Composites"),
            ("Corrosion-Resistant Coatings", 2508, "Surfaces, Coatings and Films"),
        ),
        subjects=_split(
            "lithium transport, defect passivation, ligand exchange, gas adsorption, "
            "grain growth, TiO<sub>2</sub> photocatalysis, ionic conductivity, "
            "interfacial stress, thermal degradation, exciton diffusion, hydrogen evolution, "
            "crack propagation"
        ),
        settings=_split(
            "layered oxides, mixed-halide perovskites, metal-organic frameworks, "
            "block copolymers, garnet electrolytes, thin films, bimetallic nanoparticles, "
            "self-healing gels, glass ceramics, high-entropy alloys"
        ),
        methods=_split(
            "operando diffraction, density functional theory, machine-learned potentials, "
            "electron tomography, impedance spectroscopy, sol-gel synthesis, "
            "neutron scattering, high-throughput screening"
        ),
        journals=_split("Journal of Applied Frameworks, Functional Solids, Interface Chemistry Reports"),
    ),
    Department(
        name="Computer Science",
        college="College of Engineering",
        field=(17, "Computer Science"),
        domain=_PHYSICAL,
        topics=(
            ("Stream Processing Systems", 1705, "Computer Networks and Communications"),
            ("Program Verification", 1712, "Software"),
            ("Representation Learning on Graphs", 1702, "Artificial Intelligence"),
            ("Medical Image Segmentation", 1707, "Computer Vision and Pattern Recognition"),
            ("Query Optimisation", 1710, "Information Systems"),
            ("Human-Centred Interfaces", 1709, "Human-Computer Interaction"),
            ("Approximation Algorithms", 1703, "Computational Theory and Mathematics"),
        ),
        subjects=_split(
            "join ordering, graph attention, loop invariants, cardinality estimation, "
            "consensus, image registration, cache eviction, program synthesis, "
            "explanation quality, load shedding, differential privacy, R&amp;D software reuse"
        ),
        settings=_split(
            "distributed databases, heterogeneous clusters, open-source compilers, "
            "wearable devices, clinical imaging, citation networks, edge deployments, "
            "spreadsheet users, sparse hypergraphs, safety-critical code"
        ),
        methods=_split(
            "contrastive learning, symbolic execution, randomised sketches, user studies, "
            "adaptive sampling, integer programming, trace replay, semi-supervised training"
        ),
        journals=_split("Transactions on Data Machinery, Proceedings on Verified Systems, Computing Perspectives"),
    ),
    Department(
        name="Public Health",
        college="College of Health",
        field=(27, "Medicine"),
        domain=_HEALTH,
        topics=(
            ("Vaccination Uptake", 2739, "Public Health, Environmental and Occupational Health"),
            ("Sleep and Shift Work", 2738, "Psychiatry and Mental health"),
            ("Antimicrobial Stewardship", 2725, "Infectious Diseases"),
            ("Childhood Nutrition", 2735, "Pediatrics, Perinatology and Child Health"),
            ("Ageing and Frailty", 2717, "Geriatrics and Gerontology"),
            ("Air Pollution Exposure", 2713, "Epidemiology"),
        ),
        subjects=_split(
            "vaccine hesitancy, antibiotic prescribing, fine particle exposure, sleep loss, "
            "school meals, fall prevention, <i>Staphylococcus aureus</i> carriage, "
            "blood pressure control, screening uptake, maternal anaemia, loneliness, "
            "heat-related illness"
        ),
        settings=_split(
            "rural clinics, shift workers, primary schools, care homes, large cities, "
            "migrant families, emergency departments, island communities, "
            "low-income households, primary care"
        ),
        methods=_split(
            "a cluster randomised trial, record linkage, a prospective cohort, "
            "interrupted time series, qualitative interviews, a case-control study, "
            "microsimulation, Mendelian randomisation"
        ),
        journals=_split("Population Health Review, Care & Community, Northern Journal of Epidemiology"),
    ),
    Department(
        name="Economics",
        college="College of Social Sciences",
        field=(20, "Economics, Econometrics and Finance"),
        domain=_SOCIAL,
        topics=(
            ("Labour Market Frictions", 2002, "Economics and Econometrics"),
            ("Household Debt", 2003, "Finance"),
            ("Regional Trade and Growth", 2000, "General Economics, Econometrics and Finance"),
            ("Biodiversity and Climate Finance", 2003, "Finance"),
            ("Education and Mobility", 3312, "Sociology and Political Science"),
            ("Auction and Market Design", 1803, "Management Science and Operations Research"),
        ),
        subjects=_split(
            "minimum wages, mortgage arrears, green bonds, school choice, firm entry, "
            "carbon pricing, regional migration, wage bargaining, supply shocks, "
            "pension saving, auction revenue, trade credit"
        ),
        settings=_split(
            "small open economies, border regions, post-industrial towns, emerging markets, "
            "family firms, fisheries, public procurement, rural labour markets, the euro area, "
            "online platforms"
        ),
        methods=_split(
            "a regression discontinuity, panel data, structural estimation, field experiments, "
            "synthetic controls, administrative records, a quasi-natural experiment, "
            "instrumental variables"
        ),
        journals=_split("Economic Papers of the North, Review of Market Design, Journal of Household Finance"),
    ),
    Department(
        name="Plant Biology",
        college="College of Natural Sciences",
        field=(11, "Agricultural and Biological Sciences"),
        domain=_LIFE,
        topics=(
            ("Root Architecture and Soil Water", 1110, "Plant Science"),
            ("Pollinator Networks", 1105, "Ecology, Evolution, Behavior and Systematics"),
            ("Drought Response Genes", 1311, "Genetics"),
            ("Mycorrhizal Symbiosis", 1111, "Soil Science"),
            ("Crop Disease Resistance", 1102, "Agronomy and Crop Science"),
            ("Seed Dormancy", 1312, "Molecular Biology"),
        ),
        subjects=_split(
            "root branching, stomatal closure, <i>Arabidopsis thaliana</i> flowering, "
            "pollen limitation, rust resistance, phosphorus uptake, seed dormancy, "
            "abscisic acid signalling, leaf hydraulics, fungal colonisation, nectar chemistry, "
            "grain filling"
        ),
        settings=_split(
            "dryland wheat, tropical orchards, alpine meadows, salt marshes, wild barley, "
            "temperate forests, smallholder farms, island floras, restored grasslands, "
            "greenhouse tomatoes"
        ),
        methods=_split(
            "genome-wide association, X-ray microtomography, common garden trials, "
            "single-cell sequencing, pollen metabarcoding, reciprocal transplants, "
            "CRISPR knock-outs, citizen science records"
        ),
        journals=_split("Botanical Horizons, Roots and Soils, Journal of Seed Research"),
    ),
)

TITLE_PATTERNS = (
    "{subject} in {setting}: insights from {method}",
    "{subject} and {other} in {setting}",
    "Effects of {subject} on {other} in {setting}",
    "{method} reveals {subject} in {setting}",
    "What drives {subject} in {setting}? Evidence from {method}",
    "Linking {subject} to {other} across {setting}",
    "Towards a theory of {subject} in {setting}",
    "{subject} under change: {method} in {setting}",
    "A reappraisal of {subject} and {other} using {method}",
    "Limits of {subject} in {setting}",
)
TITLE_ENDINGS = (
    "",
    "",
    "",
    " over two decades",
    ": a comparative study",
    " revisited",
    " at scale",
    " — first results",
)
SET_ASIDE_PATTERNS = (
    "Figure 3 from {title}",
    "Table S1 from {title}",
    "Author Correction: {title}",
    "Data for {title}",
    "{title} — supporting information",
    "Appendix B: {title}",
)
UNUSUAL_ENDINGS = (
    " (ökologische Übersicht)",
    " 地域研究の展望",
    " 🌱",
    " — une synthèse détaillée",
    " (Übersicht)",
)

ABSTRACT_SENTENCES = (
    "We study {subject} in {setting} and ask how it responds to change.",
    "Using {method} over {count} years we follow {subject} and {other} at {sites} sites.",
    "Earlier work has treated {subject} and {other} as separate processes.",
    "We find that {subject} explains {percent}% of the variation in {other}.",
    "The effect is strongest in {setting} and weakens where {other} is limited.",
    "Results hold when {method} is replaced by a simpler design.",
    "These findings suggest that {subject} deserves more attention in policy and practice.",
    "We discuss what remains unknown and how {method} could help.",
)

# Given names and family names that go together.
ORIGINS = tuple(
    (_split(given), _split(family))
    for given, family in (
        (
            "Anna, Björn, Ebba, Göran, Ingrid, Johan, Kerstin, Lars, Märta, Nils, Sofia, Åke",
            "Almqvist, Bergström, Dahlgren, Ekelund, Forsén, Hällström, Lindqvist, Nyberg, "
            "Rosén, Sjöstrand, Wallgren, Öberg",
        ),
        (
            "Alice, Benjamin, Claire, Daniel, Eleanor, George, Hannah, James, Laura, Oliver, Ruth, Thomas",
            "Ashdown, Barlow, Carrick, Denholm, Everett, Fairley, Garside, Holloway, Kersey, "
            "Marlowe, Pemberton, Whitlock",
        ),
        (
            "Chen, Fang, Hao, Jing, Lei, Mei, Ning, Qiang, Xin, Yan, Yifan, Zhen",
            "Cai, Deng, Guo, Huang, Jiang, Liang, Pan, Shen, Tang, Wei, Xiong, Zhou",
        ),
        (
            "Aiko, Daichi, Emi, Haruto, Kaori, Kenji, Mio, Naoki, Rin, Sora, Takumi, Yui",
            "Arakawa, Fujimori, Hayashida, Ishikura, Kurosawa, Matsuzaki, Nishimori, Okubo, "
            "Sakamaki, Tachibana, Uemura, Yoshinaga",
        ),
        (
            "Adriana, Camila, Diego, Elena, Francisco, Gabriela, Inés, Javier, Lucía, Mateo, Raúl, Sofía",
            "Aldana, Benítez, Castañeda, Echeverría, Figueroa, Galván, Ibáñez, Larrañaga, "
            "Montoya, Quiñones, Salcedo, Zúñiga",
        ),
        (
            "Amara, Chidi, Efua, Femi, Kofi, Lerato, Nia, Sipho, Tendai, Thandi, Yaw, Zuri",
            "Adeyinka, Boateng, Chukwu, Dlamini, Eze, Kamara, Mensah, Moyo, Nkosi, Okafor, Sesay, Wanjiru",
        ),
        (
            "Aarav, Ananya, Deepak, Ishaan, Kavya, Meera, Nikhil, Priya, Rohan, Sanjay, Tara, Vikram",
            "Acharya, Banerjee, Chaudhary, Deshmukh, Iyer, Joshi, Kulkarni, Menon, Nair, Pillai, Rangan, Srinivasan",
        ),
        (
            "Agnieszka, Dragan, Eva, Jiří, Katarzyna, Łukasz, Marek, Milica, Ondřej, Petra, Tomáš, Zofia",
            "Baranek, Dvořáček, Horváthová, Jovanić, Kowalczyk, Malinowska, Novotná, "
            "Petrović, Szczepan, Černík, Wiśniak, Žižka",
        ),
        (
            "Ali, Dina, Elif, Farid, Hadi, Karim, Leyla, Maryam, Nour, Omar, Samira, Yusuf",
            "Aydemir, Benali, Çelik, Darwish, El-Amrani, Farahani, Haddad, Karimi, Mansour, Rahimi, Şahin, Zaytoun",
        ),
        (
            "Amélie, Bruno, Chiara, Étienne, Giulia, Hélène, Jürgen, Katharina, Luca, Matthias, Noémie, Stefan",
            "Baumgärtner, Castellani, Delacroix-Morel, Fiorentini, Gräfe, Kessler, Lefèvre, "
            "Müllner, Pellegrino, Rousselot, Schönfeld, Vögele",
        ),
    )
)
NATIVE_NAMES = ("黄 静", "梁 昊", "唐 薇", "蒋 鑫", "石倉 葵", "西森 直樹", "橘 美緒", "吉永 空")

PLACES = tuple(
    (place, country)
    for place, _, country in (
        entry.partition("/")
        for entry in _split(
            "Ardenholm/SE, Brackwater/GB, Calderra/ES, Dunmarrow/IE, Eastvale/US, Falkenrode/DE, "
            "Gravelton/CA, Hoshino/JP, Iverness Bay/NZ, Jacaranda/BR, Kestrel Point/AU, Liangzhou/CN, "
            "Mirabeau/FR, Nordvik/NO, Oakhurst/US, Pietranera/IT, Quillota Sur/CL, Rosenthal/AT, "
            "Santa Brisa/MX, Tarnowiec/PL, Umgeni/ZA, Valmeer/NL, Westerbrook/US, Xinhe/CN, "
            "Yamanobe/JP, Zelenka/CZ, Kumasi Heights/GH, Devipur/IN, Harborne/GB, Lakemont/US, "
            "Pinewater/CA, Sundarvan/IN"
        )
    )
)
INSTITUTION_PATTERNS = (
    ("University of {place}", "education"),
    ("{place} Institute of Technology", "education"),
    ("{place} State University", "education"),
    ("{place} Medical School", "education"),
    ("{place} General Hospital", "healthcare"),
    ("{place} Research Council", "government"),
    ("{place} Academy of Sciences", "facility"),
    ("{place} Laboratories", "company"),
    ("{place} College", "education"),
    ("{place} Foundation for Research", "nonprofit"),
)
