"""A label for people for each word of the vocabulary and for each number of a small range.

Source: Dean De Cock's documentation of the survey, shortened to a few words. The labels of a type stand in the order in
which they are shown: ranked words from best to worst, other words as in the documentation.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAliasType

from housing_price_survey import vocabulary

type Labels = Mapping[str | int, str]
"""A label for each value, in the order in which the values are shown."""

_GRADES: Final[Labels] = {"Ex": "Excellent", "Gd": "Good", "TA": "Typical", "Fa": "Fair", "Po": "Poor"}

_CONDITIONS: Final[Labels] = {
    "Norm": "Normal",
    "Artery": "Adjacent to an arterial street",
    "Feedr": "Adjacent to a feeder street",
    "PosA": "Adjacent to a positive feature, such as a park",
    "PosN": "Near a positive feature, such as a park",
    "RRAn": "Adjacent to the north-south railroad",
    "RRNn": "Within 200 feet of the north-south railroad",
    "RRAe": "Adjacent to the east-west railroad",
    "RRNe": "Within 200 feet of the east-west railroad",
}

_EXTERIORS: Final[Labels] = {
    "AsbShng": "Asbestos shingles",
    "AsphShn": "Asphalt shingles",
    "BrkFace": "Face brick",
    "CBlock": "Cinder block",
    "HdBoard": "Hardboard",
    "ImStucc": "Imitation stucco",
    "MetalSd": "Metal siding",
    "Plywood": "Plywood",
    "PreCast": "Precast concrete",
    "Stone": "Stone",
    "Stucco": "Stucco",
    "VinylSd": "Vinyl siding",
    "Wd Sdng": "Wood siding",
}

LABELS: Final[Mapping[TypeAliasType, Labels]] = MappingProxyType(
    {
        vocabulary.MsSubClass: {
            20: "1-story, 1946 and newer",
            30: "1-story, 1945 and older",
            40: "1-story with finished attic",
            45: "1½-story, upper level unfinished",
            50: "1½-story, upper level finished",
            60: "2-story, 1946 and newer",
            70: "2-story, 1945 and older",
            75: "2½-story",
            80: "Split or multi-level",
            85: "Split foyer",
            90: "Duplex",
            120: "1-story in a planned unit development, 1946 and newer",
            150: "1½-story in a planned unit development",
            160: "2-story in a planned unit development, 1946 and newer",
            180: "Multi-level or split foyer in a planned unit development",
            190: "2-family conversion",
        },
        vocabulary.MsZoning: {
            "RL": "Residential, low density",
            "RM": "Residential, medium density",
            "RH": "Residential, high density",
            "FV": "Floating village residential",
            "A (agr)": "Agriculture",
            "C (all)": "Commercial",
            "I (all)": "Industrial",
        },
        vocabulary.Street: {"Pave": "Paved", "Grvl": "Gravel"},
        vocabulary.Alley: {"Pave": "Paved", "Grvl": "Gravel"},
        vocabulary.LotShape: {
            "Reg": "Regular",
            "IR1": "Slightly irregular",
            "IR2": "Moderately irregular",
            "IR3": "Very irregular",
        },
        vocabulary.LandContour: {
            "Lvl": "Level, or nearly",
            "Bnk": "Banked: rises quickly from the street to the building",
            "HLS": "Hillside: slopes from side to side",
            "Low": "Depression",
        },
        vocabulary.Utilities: {
            "AllPub": "All public utilities",
            "NoSewr": "Electricity, gas and water; septic tank",
            "NoSeWa": "Electricity and gas only",
        },
        vocabulary.LotConfig: {
            "Inside": "Inside lot",
            "Corner": "Corner lot",
            "CulDSac": "Cul-de-sac",
            "FR2": "Frontage on 2 sides",
            "FR3": "Frontage on 3 sides",
        },
        vocabulary.LandSlope: {"Gtl": "Gentle", "Mod": "Moderate", "Sev": "Severe"},
        vocabulary.Neighborhood: {
            "Blmngtn": "Bloomington Heights",
            "Blueste": "Bluestem",
            "BrDale": "Briardale",
            "BrkSide": "Brookside",
            "ClearCr": "Clear Creek",
            "CollgCr": "College Creek",
            "Crawfor": "Crawford",
            "Edwards": "Edwards",
            "Gilbert": "Gilbert",
            "GrnHill": "Green Hills",
            "Greens": "Greens",
            "IDOTRR": "Iowa DOT and Rail Road",
            "Landmrk": "Landmark",
            "MeadowV": "Meadow Village",
            "Mitchel": "Mitchell",
            "NAmes": "North Ames",
            "NPkVill": "Northpark Villa",
            "NoRidge": "Northridge",
            "NridgHt": "Northridge Heights",
            "NWAmes": "Northwest Ames",
            "OldTown": "Old Town",
            "Sawyer": "Sawyer",
            "SawyerW": "Sawyer West",
            "Somerst": "Somerset",
            "SWISU": "South and West of Iowa State University",
            "StoneBr": "Stone Brook",
            "Timber": "Timberland",
            "Veenker": "Veenker",
        },
        vocabulary.Condition1: _CONDITIONS,
        vocabulary.Condition2: {word: label for word, label in _CONDITIONS.items() if word != "RRNe"},
        vocabulary.BldgType: {
            "1Fam": "Single-family, detached",
            "2fmCon": "Two-family conversion of a one-family house",
            "Duplex": "Duplex",
            "TwnhsE": "Townhouse, end unit",
            "Twnhs": "Townhouse, inside unit",
        },
        vocabulary.HouseStyle: {
            "1Story": "1 story",
            "1.5Fin": "1½ stories, upper level finished",
            "1.5Unf": "1½ stories, upper level unfinished",
            "2Story": "2 stories",
            "2.5Fin": "2½ stories, upper level finished",
            "2.5Unf": "2½ stories, upper level unfinished",
            "SFoyer": "Split foyer",
            "SLvl": "Split level",
        },
        vocabulary.RoofStyle: {
            "Flat": "Flat",
            "Gable": "Gable",
            "Gambrel": "Gambrel (barn)",
            "Hip": "Hip",
            "Mansard": "Mansard",
            "Shed": "Shed",
        },
        vocabulary.RoofMatl: {
            "CompShg": "Composite shingles (standard)",
            "ClyTile": "Clay or tile",
            "Membran": "Membrane",
            "Metal": "Metal",
            "Roll": "Roll",
            "Tar&Grv": "Gravel and tar",
            "WdShake": "Wood shakes",
            "WdShngl": "Wood shingles",
        },
        vocabulary.Exterior1st: {
            **_EXTERIORS,
            "BrkComm": "Common brick",
            "CemntBd": "Cement board",
            "WdShing": "Wood shingles",
        },
        vocabulary.Exterior2nd: {
            **_EXTERIORS,
            "Brk Cmn": "Common brick",
            "CmentBd": "Cement board",
            "Wd Shng": "Wood shingles",
            "Other": "Other",
        },
        vocabulary.MasVnrType: {
            "None": "No masonry veneer",
            "BrkCmn": "Common brick",
            "BrkFace": "Face brick",
            "CBlock": "Cinder block",
            "Stone": "Stone",
        },
        vocabulary.BuiltGrade: {word: label for word, label in _GRADES.items() if word != "Po"},
        vocabulary.Grade: _GRADES,
        vocabulary.Foundation: {
            "BrkTil": "Brick and tile",
            "CBlock": "Cinder block",
            "PConc": "Poured concrete",
            "Slab": "Slab",
            "Stone": "Stone",
            "Wood": "Wood",
        },
        vocabulary.BsmtExposure: {"Gd": "Good", "Av": "Average", "Mn": "Minimal", "No": "No exposure"},
        vocabulary.BsmtFinType: {
            "GLQ": "Good living quarters",
            "ALQ": "Average living quarters",
            "BLQ": "Below-average living quarters",
            "Rec": "Average recreation room",
            "LwQ": "Low quality",
            "Unf": "Unfinished",
        },
        vocabulary.Heating: {
            "GasA": "Gas, forced warm air",
            "GasW": "Gas, hot water or steam",
            "Floor": "Floor furnace",
            "Grav": "Gravity furnace",
            "OthW": "Hot water or steam, other than gas",
            "Wall": "Wall furnace",
        },
        vocabulary.YesNo: {"Y": "Yes", "N": "No"},
        vocabulary.Electrical: {
            "SBrkr": "Standard circuit breakers",
            "FuseA": "Fuse box over 60 amperes (average)",
            "FuseF": "60-ampere fuse box, mostly modern wiring (fair)",
            "FuseP": "60-ampere fuse box, mostly knob-and-tube wiring (poor)",
            "Mix": "Mixed",
        },
        vocabulary.Functional: {
            "Typ": "Typical",
            "Min1": "Minor deductions, level 1",
            "Min2": "Minor deductions, level 2",
            "Mod": "Moderate deductions",
            "Maj1": "Major deductions, level 1",
            "Maj2": "Major deductions, level 2",
            "Sev": "Severely damaged",
            "Sal": "Salvage only",
        },
        vocabulary.GarageType: {
            "Attchd": "Attached to the house",
            "BuiltIn": "Built into the house",
            "Basment": "In the basement",
            "Detchd": "Detached from the house",
            "CarPort": "Carport",
            "2Types": "More than one type",
        },
        vocabulary.GarageFinish: {"Fin": "Finished", "RFn": "Rough finished", "Unf": "Unfinished"},
        vocabulary.PavedDrive: {"Y": "Paved", "P": "Partly paved", "N": "Dirt or gravel"},
        vocabulary.Fence: {
            "GdPrv": "Good privacy",
            "MnPrv": "Minimal privacy",
            "GdWo": "Good wood",
            "MnWw": "Minimal wood or wire",
        },
        vocabulary.MiscFeature: {
            "Elev": "Elevator",
            "Gar2": "Second garage",
            "Shed": "Shed over 100 square feet",
            "TenC": "Tennis court",
            "Othr": "Other",
        },
        vocabulary.SaleType: {
            "WD": "Warranty deed, conventional",
            "CWD": "Warranty deed, cash",
            "VWD": "Warranty deed, VA loan",
            "New": "New home, just constructed and sold",
            "COD": "Court officer deed or estate",
            "Con": "Contract, 15 % down payment, regular terms",
            "ConLw": "Contract, low down payment and low interest",
            "ConLI": "Contract, low interest",
            "ConLD": "Contract, low down payment",
            "Oth": "Other",
        },
        vocabulary.SaleCondition: {
            "Normal": "Normal sale",
            "Abnorml": "Abnormal sale: trade, foreclosure or short sale",
            "AdjLand": "Purchase of adjoining land",
            "Alloca": "Two linked properties with separate deeds",
            "Family": "Sale between family members",
            "Partial": "Unfinished when last assessed (new homes)",
        },
    }
)
"""The labels of the words of each type of the vocabulary."""

RATINGS: Final[Labels] = MappingProxyType(
    {
        10: "Very excellent",
        9: "Excellent",
        8: "Very good",
        7: "Good",
        6: "Above average",
        5: "Average",
        4: "Below average",
        3: "Fair",
        2: "Poor",
        1: "Very poor",
    }
)
"""The labels of ratings from 1 to 10."""

MONTHS: Final[Labels] = MappingProxyType(
    {
        1: "January",
        2: "February",
        3: "March",
        4: "April",
        5: "May",
        6: "June",
        7: "July",
        8: "August",
        9: "September",
        10: "October",
        11: "November",
        12: "December",
    }
)
"""The names of the months."""
